"""Takes uploads that are offered while they are received, and aggregates them."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from processor.head_start.aggregation import GrowingAggregation
from processor.head_start.source import GrowingSource, UploadStalled
from shared.csv.compression import MAGIC_SIZE, compression_of
from shared.errors import (
    AttemptFailed,
    BlobNotFound,
    CsvmillError,
    DatabaseUnavailable,
    DigestMismatch,
    MalformedInput,
    Unavailable,
)
from shared.telemetry.ids import also_bound_ids
from shared.uploads.keys import key_of
from shared.uploads.metadata import aggregation_of, filename_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from processor.attempt.scratch import Scratch
    from processor.engines.port import Engine
    from processor.events import ProcessorEvents
    from processor.head_start.hand_over import HandOver
    from processor.settings import WorkSettings
    from shared.blobs.blob import BlobInfo
    from shared.jobs.head_start import HeadStart
    from shared.jobs.job import Job
    from shared.ports import Blobs, HeadStarts

HOLD = 5.0
"""Seconds for which an upload is held without being renewed."""
RENEWAL = 1.0
"""Seconds between two renewals, which record the progress."""

log = logging.getLogger(__name__)


class Outcome(Enum):
    """How a head start ended."""

    USED = "used"
    """Its output became that of an attempt."""
    GONE = "gone"
    """The upload was removed or discarded, stalled, or was complete already."""
    LOST = "lost"
    """Another processor has taken it, or has claimed the job."""
    RELEASED = "released"
    """Storage or the database failed, or this processor stops: another may take it."""
    FAILED = "failed"
    """The engine failed. The job will read the file, and report what is wrong."""


class Follower:
    """Follows at most `head_starts` uploads at a time, in memory and scratch of their own.

    They take no slot of a job. They are paused while an attempt runs that has none, and never hold
    the lease of a job: until the upload is complete there is none, and if this processor ends,
    the job reads the file as usual. Implements `processor.attempt.run.HeadStarts`.
    """

    def __init__(
        self,
        head_starts: HeadStarts,
        blobs: Blobs,
        engine: Engine,
        scratch: Scratch,
        settings: WorkSettings,
        *,
        events: ProcessorEvents,
        name: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`engine` has no limit of time. `name` is that of the worker."""
        self._head_starts = head_starts
        self._blobs = blobs
        self._engine = engine
        self._scratch = scratch
        self._settings = settings
        self._events = events
        self._name = name
        self._clock = clock
        self._running: dict[UUID, GrowingAggregation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pauses = 0

    async def run(self, hand_over: HandOver) -> None:
        """Take offered uploads until cancelled. Then release those that no attempt uses."""
        try:
            while True:
                try:
                    await self._take(hand_over)
                except DatabaseUnavailable as error:
                    log.debug("no head start can be taken now: %s", error)
                except Exception:  # without the task, no upload would be followed
                    log.exception("taking a head start failed")
                await asyncio.sleep(self._settings.head_start_interval)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def of_job(self, job: Job) -> GrowingAggregation | None:
        """See `processor.attempt.run.HeadStarts`."""
        running = None if job.upload_id is None else self._running.get(job.upload_id)
        return running if running is not None and running.usable else None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """See `processor.attempt.run.HeadStarts`."""
        self._pauses += 1
        for running in self._running.values():
            running.source.pause()
        try:
            yield
        finally:
            self._pauses -= 1
            if not self._pauses:
                for running in self._running.values():
                    running.source.resume()

    async def remove_old(self) -> None:
        """Remove what was offered long ago and is not followed. Raises DatabaseUnavailable."""
        now = self._clock()
        await self._head_starts.remove_old(offered_before=now - self._settings.upload_ttl, now=now)

    async def _take(self, hand_over: HandOver) -> None:
        """Take one upload if there is room for it."""
        if len(self._tasks) >= self._settings.head_starts:
            return
        now = self._clock()
        taken = await self._head_starts.take(
            worker=self._name,
            held_until=now + HOLD,
            now=now,
            tenant_limit=self._settings.tenant_head_starts,
        )
        if taken is not None:
            task = asyncio.create_task(self._follow(taken, hand_over))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _follow(self, taken: HeadStart, hand_over: HandOver) -> None:
        with also_bound_ids(upload_id=taken.upload_id, tenant=taken.tenant):
            outcome, reason = Outcome.RELEASED, "this processor stops"
            try:
                outcome, reason = await self._followed(taken, hand_over)
            except Unavailable as error:
                reason = str(error)
            except Exception as error:
                # Not released: it would be taken again at once, and fail again.
                outcome, reason = Outcome.FAILED, str(error)
                if not isinstance(error, CsvmillError):
                    log.exception("upload %s: its head start failed", taken.upload_id)
            finally:
                self._events.head_start_ended(taken.upload_id, outcome.value, reason)
                await self._settle(taken, outcome, reason)

    async def _followed(self, taken: HeadStart, hand_over: HandOver) -> tuple[Outcome, str]:
        """Aggregate an upload and run its job. Return how that ended, and why."""
        try:
            blob = await self._blobs.peek(key_of(taken.upload_id, taken.tenant))
        except BlobNotFound:
            return Outcome.GONE, "the upload was removed"
        if blob.complete:
            return Outcome.GONE, "the upload is complete"
        if blob.size is None and await self._is_compressed(blob):
            # How far it may expand depends on its size.
            return Outcome.FAILED, "it is compressed, and its size is not known"
        name = f"head-start-{taken.upload_id}-{taken.token}"
        async with self._scratch.folder(name) as folder:
            running = GrowingAggregation(
                self._engine,
                blob,
                GrowingSource(
                    self._blobs,
                    blob,
                    name=filename_of(taken.upload_id, blob.metadata),
                    stall_timeout=self._settings.head_start_stall,
                ),
                folder,
                time_limit=self._settings.time_limit,
            )
            if self._pauses:
                running.source.pause()
            self._events.head_start_began(taken.upload_id)
            running.start()
            self._running[taken.upload_id] = running
            renewing = asyncio.create_task(self._renew(taken, running))
            try:
                return await self._until_ended(taken, blob, running, renewing, hand_over)
            finally:
                del self._running[taken.upload_id]
                renewing.cancel()
                await asyncio.gather(renewing, return_exceptions=True)
                await running.close()

    async def _is_compressed(self, blob: BlobInfo) -> bool:
        declared = aggregation_of(blob.metadata).known_input.compression
        if declared is not None:
            return declared != "none"
        async with self._blobs.open(blob.key, 0, min(blob.prefix, MAGIC_SIZE)) as pieces:
            return compression_of(b"".join([piece async for piece in pieces])) != "none"

    async def _until_ended(
        self,
        taken: HeadStart,
        blob: BlobInfo,
        running: GrowingAggregation,
        renewing: asyncio.Task[None],
        hand_over: HandOver,
    ) -> tuple[Outcome, str]:
        complete = asyncio.create_task(running.source.complete.wait())
        try:
            await asyncio.wait(
                {complete, running.engine_run, renewing}, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            complete.cancel()
        if running.source.complete.is_set():
            return await self._hand_over(taken, blob, running, hand_over)
        if running.engine_run.done():
            return await self._ended_early(taken, running)
        renewing.result()
        return Outcome.LOST, "another processor has taken it"

    async def _hand_over(
        self,
        taken: HeadStart,
        blob: BlobInfo,
        running: GrowingAggregation,
        hand_over: HandOver,
    ) -> tuple[Outcome, str]:
        blob = await self._blobs.peek(blob.key)
        job = await hand_over.job_of(taken.upload_id, blob)
        if not running.claimed:
            await hand_over.run(job)
        if not running.claimed:
            return Outcome.LOST, "the job was claimed by another processor, or cancelled"
        # A wake-up may have been delivered here first: that attempt uses the output.
        await running.released.wait()
        return Outcome.USED, f"{running.bytes_done} bytes were done when the upload ended"

    async def _ended_early(
        self, taken: HeadStart, running: GrowingAggregation
    ) -> tuple[Outcome, str]:
        """Return the outcome of an engine that has ended before the upload."""
        error = running.engine_run.exception()
        failure = running.source.failure
        if isinstance(failure, (BlobNotFound, DigestMismatch, UploadStalled)):
            return Outcome.GONE, str(failure)
        if failure is not None:
            return Outcome.RELEASED, str(failure)
        if isinstance(error, MalformedInput):
            # The file as a whole is bad: as if its only row were.
            progress = replace(running.progress, rows_rejected=1, first_problem=str(error))
            await self._head_starts.renew(
                taken.upload_id, taken.token, held_until=self._clock() + HOLD, progress=progress
            )
        if isinstance(error, CsvmillError):
            return Outcome.FAILED, str(error)
        raise error or AttemptFailed("the engine ended before the upload")

    async def _renew(self, taken: HeadStart, running: GrowingAggregation) -> None:
        """Renew it until another processor has taken it."""
        while True:
            await asyncio.sleep(RENEWAL)
            try:
                held = await self._head_starts.renew(
                    taken.upload_id,
                    taken.token,
                    held_until=self._clock() + HOLD,
                    progress=running.progress,
                )
            except DatabaseUnavailable as error:
                log.debug("upload %s: head start not renewed: %s", taken.upload_id, error)
                continue
            if not held and not running.claimed:
                return

    async def _settle(self, taken: HeadStart, outcome: Outcome, reason: str) -> None:
        upload_id, token = taken.upload_id, taken.token
        try:
            match outcome:
                case Outcome.RELEASED:
                    await self._head_starts.release(upload_id, token)
                case Outcome.FAILED:
                    await self._head_starts.end(upload_id, token, reason, now=self._clock())
                case _:
                    await self._head_starts.withdraw(upload_id, token)
        except Unavailable as error:
            log.info("upload %s: its head start ends when it expires: %s", upload_id, error)
