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
    from shared.jobs.job import Job
    from shared.jobs.job_input import JobInput
    from shared.ports import Ports


async def cancel_job(
    ports: Ports,
    events: GatewayEvents,
    job_id: UUID,
    tenant: Tenant,
    *,
    with_upload: bool = False,
) -> Job:
    """Revoke a tenant's job, and return it. Repeating is harmless.

    The upload that it was made of is deleted, unless other jobs need it or it is kept; if it is
    cancelled `with_upload`, also then.

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
    if job.upload_id is not None:
        datasets = ports.jobs.datasets
        try:
            if await datasets.remove(job.upload_id, unless_needed=not with_upload, now=now):
                await ports.blobs.delete(job.inputs[0].key)
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
    for each in job.inputs:
        # What could not be fetched has no version, and is fetched again.
        fetched = each.url is None or each.version is not None
        if fetched and not await _is_complete(ports, each):
            raise removed
    retried = await ports.jobs.retry(job_id, tenant=tenant)
    if retried is None:
        job = await ports.jobs.get(job_id, tenant=tenant)
        if job.expired_at is not None:
            raise removed
        raise JobNotFailed(f"job {job_id} is {job.state}; another request has retried it")
    events.job_retried(retried)
    if not retried.fetching:
        await try_publish_wake_up(ports, events, retried)
    return await ports.jobs.get(job_id, tenant=tenant)


async def _is_complete(ports: Ports, each: JobInput) -> bool:
    try:
        blob = await ports.blobs.info(each.key)
    except BlobNotFound:
        return False
    return blob.complete and each.version in (None, blob.version)
