"""`/api/v1/jobs`: what operators and programs ask about jobs, and do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.events import EVENTS
from gateway.jobs.control import JobControl
from gateway.jobs.status import requested_job, requested_job_id
from gateway.jobs.view import job_view
from gateway.keys import PORTS

if TYPE_CHECKING:
    from shared.jobs.job import Job


async def show_job(request: web.Request) -> web.Response:
    """`GET /api/v1/jobs/{job_id}`: all that is known of a job."""
    return await job_response(request, await requested_job(request))


async def retry_job(request: web.Request) -> web.Response:
    """`POST /api/v1/jobs/{job_id}/retry`: put a failed job back; the job as it stands then."""
    job_id = requested_job_id(request)
    return await job_response(request, await _control(request).retry(job_id))


def _control(request: web.Request) -> JobControl:
    return JobControl(request.app[PORTS], request.app[EVENTS])


async def job_response(request: web.Request, job: Job) -> web.Response:
    """Return the JSON of a job."""
    # Attempts after the job: those that it counts are there then.
    attempts = await request.app[PORTS].jobs.attempts(job.id)
    return web.json_response(job_view(job, attempts).as_json())
