"""Hands a complete upload over to its job, which this processor then claims before others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.jobs.wake_up import WakeUp
from shared.uploads.metadata import awaits_mark, filename_of
from shared.uploads.start_job import start_job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from shared.blobs.blob import BlobInfo
    from shared.jobs.events import JobEvents
    from shared.jobs.job import Job
    from shared.ports import Delivery, Ports

MARK_INTERVAL = 0.5
"""Seconds between two queries for the job of an upload that its client has to mark as complete."""


class HandOver:
    """Makes and runs the job of an upload that this processor has aggregated."""

    def __init__(
        self,
        ports: Ports,
        events: JobEvents,
        handle: Callable[[Delivery], Awaitable[None]],
        *,
        max_attempts: int,
    ) -> None:
        """`handle` is that of the worker."""
        self._ports = ports
        self._events = events
        self._handle = handle
        self._max_attempts = max_attempts

    async def job_of(self, upload_id: UUID, blob: BlobInfo) -> Job:
        """Return the job of a complete upload, and create it if it has none.

        If the client has to mark the upload as complete, wait for that. Raises Unavailable, and
        BlobNotFound if the upload is removed first.
        """
        if not awaits_mark(blob.metadata):
            return await start_job(
                self._ports,
                self._events,
                upload_id,
                blob,
                filename_of(upload_id, blob.metadata),
                max_attempts=self._max_attempts,
            )
        while (job := await self._ports.jobs.of_upload(upload_id)) is None:
            await self._ports.blobs.peek(blob.key)
            await asyncio.sleep(MARK_INTERVAL)
        return job

    async def run(self, job: Job) -> None:
        """Run an attempt at the job, unless another processor has claimed it."""
        await self._handle(Unqueued(WakeUp(job.id)))


class Unqueued:
    """A wake-up that this process gives to itself: settling it does nothing.

    The job has another one on the broker, or the relay publishes one.
    """

    exhausted = False

    def __init__(self, wakeup: WakeUp) -> None:
        self.wakeup = wakeup

    async def ack(self) -> None:
        """See `Delivery`."""

    async def requeue(self) -> None:
        """See `Delivery`."""

    async def dead_letter(self) -> None:
        """See `Delivery`."""
