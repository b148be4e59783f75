"""The job that the URL of a request names."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from gateway.access.caller import tenant_of
from gateway.keys import PORTS
from shared.errors import JobNotFound
from shared.telemetry.ids import bind_ids

if TYPE_CHECKING:
    from aiohttp import web

    from shared.jobs.job import Job


def requested_job_id(request: web.Request) -> UUID:
    """Return the job id in the URL. Raises JobNotFound if it is not a UUID."""
    text = request.match_info["job_id"]
    try:
        job_id = UUID(text)
    except ValueError as error:
        raise JobNotFound(f"There is no job {text!r}") from error
    bind_ids(job_id=job_id)
    return job_id


async def requested_job(request: web.Request) -> Job:
    """Return the caller's job that the URL names. Raises JobNotFound, for another tenant's too."""
    job_id = requested_job_id(request)
    try:
        return await request.app[PORTS].jobs.get(job_id, tenant=tenant_of(request))
    except JobNotFound as error:
        raise JobNotFound(f"There is no job {job_id}") from error
