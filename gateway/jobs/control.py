"""Cancels and retries jobs.

If the gateway dies in the middle, repeating the request or the sweeper completes the work.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.errors import (
    BlobNotFound,
    CsvmillError,
    InputRemoved,
    JobFinished,
    JobNotFailed,
)
from shared.jobs.job import JobState
from shared.uploads.start_job import try_publish_wake_up

if TYPE_CHECKING:
    from uuid import UUID

    from gateway.events import GatewayEvents
    from shared.access.tenant import Tenant
    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job
    from shared.ports import Ports


async def cancel_job(ports: Ports, events: GatewayEvents, job_id: UUID, tenant: Tenant) -> Job:
    """Revoke a tenant's job, delete its input, and return the job. Repeating is harmless.

    A worker that runs the job stops at its next heartbeat. Raises JobNotFound, and JobFinished if
    the job has succeeded or failed.
    """
    now = time.time()
    job = await ports.jobs.cancel(job_id, now=now, tenant=tenant)
    if job.finished_at == now:
        events.job_cancelled(job)
    if job.state is not JobState.REVOKED:
        raise JobFinished(f"job {job.id} is already {job.state}; it cannot be cancelled")
    # From here on no attempt can start or succeed. A running attempt keeps its open file, or fails,
    # which changes nothing.
    try:
        await ports.blobs.delete(job.input_key)
    except CsvmillError as error:
        events.input_left(job, error)
    return job


async def retry_job(ports: Ports, events: GatewayEvents, job_id: UUID, tenant: Tenant) -> Job:
    """Put a tenant's failed job back with all its attempts, publish a wake-up, and return the job.

    Raises JobNotFound, JobNotFailed, and InputRemoved if the input was deleted.
    """
    job = await ports.jobs.get(job_id, tenant=tenant)
    if job.state is not JobState.FAILURE:
        raise JobNotFailed(
            f"job {job_id} is {job.state}; only a job in {JobState.FAILURE} can be retried"
        )
    removed = InputRemoved(f"the input of job {job_id} was deleted; upload the file again")
    if not await _is_complete(ports, job.input_key):
        raise removed
    retried = await ports.jobs.retry(job_id, tenant=tenant)
    if retried is None:
        job = await ports.jobs.get(job_id, tenant=tenant)
        if job.expired_at is not None:
            raise removed
        raise JobNotFailed(f"job {job_id} is {job.state}; another request has retried it")
    events.job_retried(retried)
    await try_publish_wake_up(ports, events, retried)
    return await ports.jobs.get(job_id, tenant=tenant)


async def _is_complete(ports: Ports, key: BlobKey) -> bool:
    try:
        return (await ports.blobs.info(key)).complete
    except BlobNotFound:
        return False
