"""`GET /api/v1/jobs`: the jobs, newest first, page by page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.caller import tenant_of
from gateway.http.cursors import cursor_of, next_page
from gateway.jobs.list_query import list_query
from gateway.keys import PORTS
from shared.api.job import JobListView
from shared.api.job_view import job_view, shown_attempts
from shared.jobs.job import Found, JobPosition

if TYPE_CHECKING:
    from gateway.jobs.list_query import ListQuery
    from shared.api.job import JobView
    from shared.jobs.job import Job
    from shared.ports import JobReader


PAGE_BYTES = 1 << 20
"""Bytes of a page after which no more jobs are added: it is held until the client has taken it."""
_FIRST = 50
"""Jobs that are read at first. How many more fit is known from their size."""
EXAMINED = 5000
"""Jobs whose names a page compares with a name at most. Then it ends, however few were found."""


async def list_jobs(request: web.Request) -> web.Response:
    """Return one page of the caller's jobs that match the query. Raises InvalidInput."""
    query = list_query(request.query, tenant_of(request))
    views, rest = await _page(request.app[PORTS].jobs, query)
    following = None if rest is None else next_page(request, cursor_of(rest.created_at, rest.id))
    response = web.json_response(JobListView(tuple(views), following).as_json())
    if following:
        response.headers["Link"] = f'<{following}>; rel="next"'  # RFC 8288, 3
    return response


async def _page(store: JobReader, query: ListQuery) -> tuple[list[JobView], JobPosition | None]:
    """Return the jobs of a page, and the position after which the next page begins, if any.

    There are fewer than the query wants if they are large, or if a name is rare.
    """
    views: list[JobView] = []
    size, most, rest = 0, _FIRST, query.after
    while len(views) < query.limit:
        found = await _found(store, query, rest, min(most, query.limit - len(views)))
        attempts = await shown_attempts(store, found.jobs)
        for job in found.jobs:
            view = job_view(job, attempts.get(job.id, ()))
            size += len(json.dumps(view.as_json()))
            if views and size > PAGE_BYTES:
                return views, rest
            views.append(view)
            rest = _position(job)
        rest = found.rest
        if rest is None or query.name is not None:
            break
        most = max(1, (PAGE_BYTES - size) * len(views) // size)
    return views, rest


async def _found(
    store: JobReader, query: ListQuery, after: JobPosition | None, limit: int
) -> Found:
    """Return up to `limit` jobs after a position."""
    if query.name is not None:
        return await store.search(
            query.name, query.filter, after=after, limit=limit, examine=EXAMINED
        )
    # One more job than is wanted shows whether there is another page.
    jobs = await store.newest(query.filter, after=after, limit=limit + 1)
    more = len(jobs) > limit
    return Found(tuple(jobs[:limit]), _position(jobs[limit - 1]) if more else None)


def _position(job: Job) -> JobPosition:
    return JobPosition(job.created_at, job.id)
