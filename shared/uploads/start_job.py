"""Starts the job of a complete upload: inserts its row, publishes a wake-up, stamps the row."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.bus.publish import publish_wake_up
from shared.errors import BlobNotFound, BrokerUnavailable, DatabaseUnavailable, StorageUnavailable
from shared.jobs.job import JobState
from shared.jobs.wake_up import WakeUp
from shared.uploads.keys import tenant_of
from shared.uploads.metadata import (
    aggregation_of,
    engine_of,
    kept_for,
    notify_of,
    spec_name_of,
)
from shared.uploads.record import record

if TYPE_CHECKING:
    from uuid import UUID

    from shared.blobs.blob import BlobInfo, BlobKey
    from shared.jobs.events import JobEvents
    from shared.jobs.job import Job
    from shared.ports import Blobs, Ports


async def start_job(
    ports: Ports,
    events: JobEvents,
    upload_id: UUID,
    blob: BlobInfo,
    filename: str,
    *,
    max_attempts: int,
) -> Job:
    """Return the job of a complete upload; create it and publish its wake-up if it has none.

    Idempotent: any number of services may call this for one upload, which gets one job.

    The row is inserted before the wake-up is published. If the upload is removed at the same time,
    the new job is cancelled.
    """
    if blob.size is None:
        raise ValueError(f"upload {upload_id} is not complete: it has no size")
    if kept_for(blob.metadata) is not None:
        # Before there is a job: the request that completes this upload records it too.
        await record(ports.jobs.datasets, upload_id, blob, filename)
    now = time.time()
    job = await ports.jobs.create(
        upload_id=upload_id,
        input_key=blob.key,
        input_size=blob.size,
        filename=filename,
        aggregation=aggregation_of(blob.metadata),
        max_attempts=max_attempts,
        now=now,
        tenant=tenant_of(blob.key),
        input_version=blob.version or None,
        input_sha256=blob.sha256,
        notify=notify_of(blob.metadata),
        spec_name=spec_name_of(blob.metadata),
        engine=engine_of(blob.metadata),
    )
    if job.created_at == now:
        events.job_created(job)
    if job.published_at is None and job.state is JobState.PENDING:
        if await _was_removed(ports.blobs, blob.key):
            # The request that removed the upload may have looked for a job before there was one.
            return await cancel_new_job(ports, events, job)
        await try_publish_wake_up(ports, events, job)
    return job


async def try_publish_wake_up(ports: Ports, events: JobEvents, job: Job) -> None:
    """Publish a wake-up for a job; if that fails, leave it to a processor's relay.

    So an outage of the broker delays a job and loses none.
    """
    try:
        await publish_wake_up(ports.bus, ports.jobs, WakeUp.of(job), time.time)
    except (BrokerUnavailable, DatabaseUnavailable) as error:
        events.left_to_relay(job, error)


async def cancel_new_job(ports: Ports, events: JobEvents, job: Job) -> Job:
    """Cancel a job whose input was removed while it was created; return it afterwards."""
    now = time.time()
    job = await ports.jobs.cancel(job.id, now=now)
    if job.finished_at == now:
        events.job_cancelled(job)
    return job


async def _was_removed(blobs: Blobs, key: BlobKey) -> bool:
    try:
        return not (await blobs.peek(key)).complete
    except BlobNotFound:
        return True
    except StorageUnavailable:
        return False  # unknown; the attempt will find out
