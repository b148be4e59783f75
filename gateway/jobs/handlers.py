"""`/api/v1/jobs`: what operators and programs ask about jobs, and do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.events import EVENTS
from gateway.jobs.control import JobControl
from gateway.jobs.status import requested_job, requested_job_id
from gateway.jobs.view import job_view
from gateway.keys import PORTS
from shared.errors import JobNotFound, UploadNotFound

if TYPE_CHECKING:
    from shared.jobs.job import Job


async def show_job(request: web.Request) -> web.Response:
    """`GET /api/v1/jobs/{job_id}`: all that is known of a job."""
    return await _shown(request, await requested_job(request))


async def cancel_job(request: web.Request) -> web.Response:
    """`DELETE /api/v1/jobs/{job_id}`: cancel it; the job, which is REVOKED.

    The id of an upload will do: one in flight is removed, and then there is no job to show.
    """
    job_id, control = requested_job_id(request), _control(request)
    cancelled: Job | None
    try:
        cancelled = await control.cancel(job_id)
    except JobNotFound:
        try:
            cancelled = await control.cancel_upload(str(job_id))
        except UploadNotFound:
            raise JobNotFound(
                f"There is no job {job_id}, and no upload of that id either"
            ) from None
    if cancelled is None:
        return web.Response(status=204)
    return await _shown(request, cancelled)


async def retry_job(request: web.Request) -> web.Response:
    """`POST /api/v1/jobs/{job_id}/retry`: put a failed job back; the job as it stands then."""
    job_id = requested_job_id(request)
    return await _shown(request, await _control(request).retry(job_id))


def _control(request: web.Request) -> JobControl:
    return JobControl(request.app[PORTS], request.app[EVENTS])


async def _shown(request: web.Request, job: Job) -> web.Response:
    # Attempts after the job: those that it counts are there then.
    attempts = await request.app[PORTS].jobs.attempts(job.id)
    return web.json_response(job_view(job, attempts).as_json())
