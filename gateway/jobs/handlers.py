"""`/api/v1/jobs/{job_id}`: show and retry a job.

Cancelling is in `gateway.protocols.native.handlers`, as the id may be that of an upload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.caller import tenant_of
from gateway.events import EVENTS
from gateway.jobs import control
from gateway.jobs.requested import requested_job, requested_job_id
from gateway.jobs.wait import Wait, until_ended
from gateway.keys import PORTS
from shared.api.job_view import job_view, shown_attempts

if TYPE_CHECKING:
    from shared.jobs.job import Job


async def show_job(request: web.Request) -> web.Response:
    """`GET /api/v1/jobs/{job_id}`: return the job, at once or when it has ended."""
    wait = Wait.of(request)
    job = await requested_job(request)
    if wait.seconds:
        job = await until_ended(request, job, wait.seconds)
    response = await job_response(request, job)
    response.headers.update(wait.fields)
    return response


async def retry_job(request: web.Request) -> web.Response:
    """`POST /api/v1/jobs/{job_id}/retry`: retry a failed job and return it."""
    app = request.app
    job = await control.retry_job(
        app[PORTS], app[EVENTS], requested_job_id(request), tenant_of(request)
    )
    return await job_response(request, job)


async def job_response(request: web.Request, job: Job) -> web.Response:
    """Return the JSON of a job."""
    # The attempts are read after the job, so that all attempts it counts exist.
    attempts = await shown_attempts(request.app[PORTS].jobs, [job])
    return web.json_response(job_view(job, attempts.get(job.id, ())).as_json())
