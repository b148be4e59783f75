"""`GET /api/v1/jobs`: the jobs, newest first, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from multidict import MultiDict
from yarl import URL

from gateway.jobs.list_query import cursor_of, list_query
from gateway.jobs.view import job_view
from gateway.keys import PORTS
from shared.api.job import JobListView
from shared.jobs.job import JobPosition

if TYPE_CHECKING:
    from shared.jobs.job import Job


async def list_jobs(request: web.Request) -> web.Response:
    """The jobs that the query lets through, and where the next of them are.

    Raises InvalidInput for a query that is malformed.
    """
    query = list_query(request.query)
    store = request.app[PORTS].jobs
    # One more than is shown tells whether there is another page.
    found = await store.newest(query.wanted, after=query.after, limit=query.limit + 1)
    jobs = found[: query.limit]
    # Attempts after the jobs: those that they count are there then.
    attempts = await store.attempts_of_many([job.id for job in jobs])
    following = _next(request, jobs[-1]) if len(found) > len(jobs) else None
    views = tuple(job_view(job, attempts.get(job.id, ())) for job in jobs)
    response = web.json_response(JobListView(views, following).as_json())
    if following:
        response.headers["Link"] = f'<{following}>; rel="next"'  # RFC 8288, 3
    return response


def _next(request: web.Request, last: Job) -> str:
    """The path of the same list after that job: a proxy may know the host by another name."""
    query = MultiDict(request.query)
    query["cursor"] = cursor_of(JobPosition(last.created_at, last.id))
    return str(URL.build(path=request.path, query=query))
