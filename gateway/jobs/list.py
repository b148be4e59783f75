"""`GET /api/v1/jobs`: the jobs, newest first, page by page."""

from __future__ import annotations

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
    from shared.jobs.job import Job


async def list_jobs(request: web.Request) -> web.Response:
    """Return one page of the caller's jobs that match the query. Raises InvalidInput."""
    query = list_query(request.query, tenant_of(request))
    store = request.app[PORTS].jobs
    # One more job than the page has shows whether there is another page.
    found = await store.newest(query.filter, after=query.after, limit=query.limit + 1)
    jobs = found[: query.limit]
    # The attempts are read after the jobs, so that all attempts they count exist.
    attempts = await store.attempts_of_many([job.id for job in jobs])
    next_page = _next(request, jobs[-1]) if len(found) > len(jobs) else None
    views = tuple(job_view(job, attempts.get(job.id, ())) for job in jobs)
    response = web.json_response(JobListView(views, next_page).as_json())
    if next_page:
        response.headers["Link"] = f'<{next_page}>; rel="next"'  # RFC 8288, 3
    return response


def _next(request: web.Request, last: Job) -> str:
    """Return the path of the next page, without a host: a proxy may serve under another name."""
    query = MultiDict(request.query)
    query["cursor"] = cursor_of(JobPosition(last.created_at, last.id))
    return str(URL.build(path=request.path, query=query))
