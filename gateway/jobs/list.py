"""`GET /api/v1/jobs`: the jobs, newest first, page by page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web
from multidict import MultiDict
from yarl import URL

from gateway.access.caller import tenant_of
from gateway.jobs.list_query import cursor_of, list_query
from gateway.jobs.view import job_view
from gateway.keys import PORTS
from shared.api.job import JobListView
from shared.jobs.job import JobPosition

if TYPE_CHECKING:
    from gateway.jobs.list_query import ListQuery
    from shared.api.job import JobView
    from shared.jobs.job import Job
    from shared.ports import JobStore


PAGE_BYTES = 1 << 20
"""Bytes of a page after which no more jobs are added: it is held until the client has taken it."""
_FIRST = 50
"""Jobs that are read at first. How many more fit is known from their size."""


async def list_jobs(request: web.Request) -> web.Response:
    """Return one page of the caller's jobs that match the query. Raises InvalidInput."""
    query = list_query(request.query, tenant_of(request))
    views, last = await _page(request.app[PORTS].jobs, query)
    next_page = None if last is None else _next(request, last)
    response = web.json_response(JobListView(tuple(views), next_page).as_json())
    if next_page:
        response.headers["Link"] = f'<{next_page}>; rel="next"'  # RFC 8288, 3
    return response


async def _page(store: JobStore, query: ListQuery) -> tuple[list[JobView], Job | None]:
    """Return the jobs of a page, and the last of them if there is another page.

    There are fewer than the query wants if they are large.
    """
    views: list[JobView] = []
    size, after, last = 0, query.after, None
    most = _FIRST
    while len(views) < query.limit:
        wanted = min(most, query.limit - len(views))
        # One more job than is wanted shows whether there is another page.
        found = await store.newest(query.filter, after=after, limit=wanted + 1)
        # The attempts are read after the jobs, so that all attempts they count exist.
        attempts = await store.attempts_of_many([job.id for job in found[:wanted]])
        for job in found[:wanted]:
            view = job_view(job, attempts.get(job.id, ()))
            size += len(json.dumps(view.as_json()))
            if views and size > PAGE_BYTES:
                return views, last
            views.append(view)
            last = job
        if last is None or len(found) <= wanted:
            return views, None
        after = JobPosition(last.created_at, last.id)
        most = max(1, (PAGE_BYTES - size) * len(views) // size)
    return views, last


def _next(request: web.Request, last: Job) -> str:
    """Return the path of the next page, without a host: a proxy may serve under another name."""
    query = MultiDict(request.query)
    query["cursor"] = cursor_of(JobPosition(last.created_at, last.id))
    return str(URL.build(path=request.path, query=query))
