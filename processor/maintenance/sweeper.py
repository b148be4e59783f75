"""The sweeper: removes bytes that nobody needs any more, and never those that a job may read.

The database decides, storage obeys. First jobs whose time has passed are marked as expired, which
is final: such a job can be neither retried nor claimed. Then every blob is looked at beside the
job that it belongs to. What may be removed has no way back to being needed:

- the bytes of an expired job;
- the output of an attempt that neither runs nor is the one that the job's result points to: the
  numbers of attempts only rise, so its report would be refused;
- an upload without a job, if storage finds in the same step that nobody has used it for long
  enough. Whoever makes a job of an upload uses the upload first, and looks again afterwards.

Each step can be repeated, and nothing is remembered between sweeps: what a sweeper that was killed
left undone, the next sweep finds. A worker that was paused for so long that its job has expired
reads on from the file that it has open, or fails; either way its attempt is no longer the job's.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import aclosing
from typing import TYPE_CHECKING

from processor.events import ProcessorEvents
from shared.blobs.blob import RESULTS, UPLOADS, attempt_of, upload_of
from shared.errors import CsvmillError, Unavailable
from shared.jobs.job import JobState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from typing import TypeVar

    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job
    from shared.ports import Blobs, JobStore

    T = TypeVar("T")

BATCH = 100
"""Jobs and blobs looked at in one go."""
log = logging.getLogger(__name__)


class Sweeper:
    """Any number of sweepers may run side by side: what one has removed, another does not find."""

    def __init__(
        self,
        jobs: JobStore,
        blobs: Blobs,
        *,
        events: ProcessorEvents | None = None,
        upload_ttl: float,
        result_ttl: float,
        interval: float,
        clock: Callable[[], float],
        grace: float,
    ) -> None:
        """`grace`: seconds for which what may be removed has to be idle, so that nobody is at it,
        not even in vain. Nothing that is needed depends on it.
        """
        self._jobs = jobs
        self._blobs = blobs
        self._events = events or ProcessorEvents.uncounted()
        self._upload_ttl = upload_ttl
        self._result_ttl = result_ttl
        self._interval = interval
        self._clock = clock
        self._grace = grace

    async def run(self) -> None:
        """Sweep every `interval` seconds until cancelled; outlasts any outage."""
        # Processors that were started together do not all sweep at the same time.
        await asyncio.sleep(random.uniform(0, self._interval))  # noqa: S311  (no secret)
        while True:
            try:
                await self.sweep()
            except Unavailable as error:
                log.warning("sweeper waits: %s", error)
            except Exception:  # a sweeper that ended would let storage fill up in silence
                log.exception("sweeper failed, and goes on")
            await asyncio.sleep(self._interval)

    async def sweep(self) -> int:
        """Expire jobs, and remove what is not needed; how many blobs. Raises Unavailable."""
        await self._expire_jobs()
        return await self._sweep_uploads() + await self._sweep_results()

    async def _expire_jobs(self) -> None:
        expired = BATCH
        while expired == BATCH:
            now = self._clock()
            expired = await self._jobs.expire(
                finished_before=now - self._result_ttl, now=now, limit=BATCH
            )
            if expired:
                self._events.expired(expired)

    async def _sweep_uploads(self) -> int:
        removed = 0
        async with aclosing(self._batches(UPLOADS, upload_of, self._upload_ttl)) as batches:
            async for batch in batches:
                jobs = await self._jobs.of_uploads(list(batch.values()))
                for key, upload_id in batch.items():
                    job = jobs.get(upload_id)
                    removed += await self._remove(key, job, self._spare_upload(job))
        return removed

    async def _sweep_results(self) -> int:
        removed = 0
        async with aclosing(self._batches(RESULTS, attempt_of, self._result_ttl)) as batches:
            async for batch in batches:
                jobs = await self._jobs.get_many([job_id for job_id, _ in batch.values()])
                for key, (job_id, number) in batch.items():
                    job = jobs.get(job_id)
                    removed += await self._remove(key, job, self._spare_output(job, number))
        return removed

    async def _batches(
        self, kind: str, owner_of: Callable[[BlobKey], T | None], ttl: float
    ) -> AsyncGenerator[dict[BlobKey, T], None]:
        """The blobs of a kind that have been idle for a while, each with what it belongs to."""
        batch: dict[BlobKey, T] = {}
        async with self._blobs.walk(kind) as found:
            async for activity in found:
                owner = owner_of(activity.key)
                if owner is None or activity.idle < min(ttl, self._grace):
                    continue
                batch[activity.key] = owner
                if len(batch) == BATCH:
                    yield batch
                    batch = {}
        if batch:
            yield batch

    def _spare_upload(self, job: Job | None) -> float | None:
        """Seconds for which an upload has to be idle to be removed; None if it is needed."""
        if job is None:
            return self._upload_ttl
        return None if job.expired_at is None else self._grace

    def _spare_output(self, job: Job | None, attempt: int) -> float | None:
        """The same for what an attempt wrote."""
        if job is None:
            # The database has lost the job: no client can ask for this, but an operator might.
            return self._result_ttl
        running = job.state is JobState.STARTED and job.attempt == attempt
        # What stands beside a result is needed for as long.
        published = job.result is not None and attempt_of(job.result.key) == (job.id, attempt)
        needed = running or (published and job.expired_at is None)
        return None if needed else self._grace

    async def _remove(self, key: BlobKey, job: Job | None, idle_for: float | None) -> bool:
        if idle_for is None:
            return False
        try:
            removed = await self._blobs.expire(key, idle_for=idle_for)
        except CsvmillError as error:
            # One blob that cannot be removed must not keep all the others.
            log.warning("%s could not be removed: %s", key, error)
            return False
        if removed:
            self._events.removed(key, job)
        return removed
