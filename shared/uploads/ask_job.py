"""Creates a job that was asked for: inserts its row, checks its inputs, publishes a wake-up."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from shared.errors import BlobNotFound, InputRemoved, StorageUnavailable
from shared.jobs.job import JobState
from shared.uploads.start_job import cancel_new_job, try_publish_wake_up

if TYPE_CHECKING:
    from shared.jobs.events import JobEvents
    from shared.jobs.job import Job
    from shared.jobs.job_input import JobInput
    from shared.jobs.job_request import JobRequest
    from shared.ports import Blobs, Ports

CHECKED_AT_A_TIME = 16
"""Inputs that storage is asked about at the same time."""


async def ask_job(ports: Ports, events: JobEvents, request: JobRequest) -> Job:
    """Return the job of a request; create it and publish its wake-up if there is none.

    Idempotent: any number of services may do the same for one request.

    The caller has used each input (`Blobs.info`) before, so that no sweeper removes it meanwhile.
    What has to be fetched is left to the processors, which publish the wake-up then.
    If one was removed nevertheless, the new job is cancelled: a job that is returned has all its
    inputs, and needs them from now on. Raises InputRemoved.
    """
    now = time.time()
    job = await ports.jobs.ask(request, now=now)
    if job.created_at == now:
        events.job_created(job)
    return await complete_ask(ports, events, job)


async def complete_ask(ports: Ports, events: JobEvents, job: Job) -> Job:
    """Do what is left of an ask whose job is inserted, and return the job.

    Its first request may have been interrupted. Raises InputRemoved.
    """
    if job.published_at is None and job.state is JobState.PENDING:
        stored = tuple(each for each in job.inputs if each.url is None)
        lost = await _removed(ports.blobs, stored)
        if lost is not None:
            await cancel_new_job(ports, events, job)
            raise InputRemoved(
                f"upload {lost.upload_id} was removed in the meantime; upload the file again"
            )
        if not job.fetching:
            await try_publish_wake_up(ports, events, job)
    return job


async def _removed(blobs: Blobs, inputs: tuple[JobInput, ...]) -> JobInput | None:
    """Return the first input that storage no longer has as it was."""
    limit = asyncio.Semaphore(CHECKED_AT_A_TIME)

    async def is_kept(each: JobInput) -> bool:
        async with limit:
            return await is_complete(blobs, each)

    kept = await asyncio.gather(*map(is_kept, inputs))
    return next((each for each, there in zip(inputs, kept, strict=True) if not there), None)


async def is_complete(blobs: Blobs, each: JobInput) -> bool:
    """Whether storage has the bytes of an input. If storage does not answer, that is supposed."""
    try:
        blob = await blobs.peek(each.key)
    except BlobNotFound:
        return False
    except StorageUnavailable:
        return True  # unknown; the attempt will find out
    return blob.complete and each.version in (None, blob.version)
