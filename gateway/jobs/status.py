"""`GET /api/file_status/{job_id}`: the state of a job."""

from __future__ import annotations

from aiohttp import web

from gateway.jobs.requested import requested_job
from shared.jobs.job import JobState


async def file_status(request: web.Request) -> web.Response:
    """Return the state of the job and, if it failed, the reason."""
    job = await requested_job(request)
    # The first clients read the misspelt key.
    body = {"job_id": str(job.id), "jod_id": str(job.id), "job_status": job.state.value}
    if job.state is JobState.FAILURE:
        body["message"] = job.reason or "The job failed"
    return web.json_response(body)
