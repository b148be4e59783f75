"""The sweeper: removes blobs that are no longer needed, and never one that a job may still read.

It first marks old jobs as expired, which is final: an expired job can be neither retried nor
claimed. Then it compares every blob with the job that it belongs to. It removes only blobs that can
never be needed again:

- an upload that no job reads but expired ones, and that is not kept;
- the output of an expired job, and of a job whose result was deleted;
- the output of an attempt that is not running and is not the job's result. Attempt numbers only
  grow, so the database would refuse this attempt's outcome;
- an upload without a job that is not kept, if storage finds in the same step that it has been
  unused for long enough. Who creates a job uses the upload before, and checks it again
  afterwards: `start_job`, `ask_job`.

Every step is idempotent and keeps no state between sweeps: the next sweep completes an interrupted
one. A worker that was paused until its job expired continues to read its open file, or fails; in
both cases its attempt no longer holds the job.
"""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from processor.events import ProcessorEvents
from processor.maintenance.periodic import run_periodically
from shared.blobs.blob import RESULTS, UPLOADS, attempt_of, upload_of
from shared.errors import BlobNotFound, CsvmillError
from shared.jobs.job import JobState
from shared.uploads.keys import key_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from typing import TypeVar
    from uuid import UUID

    from shared.blobs.blob import BlobActivity, BlobKey
    from shared.jobs.job import Job
    from shared.ports import Blobs, JobStore

    T = TypeVar("T")

BATCH = 100
"""Jobs or blobs per query."""
log = logging.getLogger(__name__)


class Sweeper:
    """Safe to run on any number of processors: removing a blob twice is harmless."""

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
        recover_orphans: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """All times are in seconds.

        `upload_ttl` is how long an upload without a job is kept after its last use, `result_ttl`
        how long a finished job is. A blob must also have been idle for `grace`; that only avoids
        errors of attempts that are no longer needed. `recover_orphans` is awaited before each
        sweep: a complete upload without a job gets one and is not removed, even if all processors
        were down for longer than `upload_ttl`.
        """
        self._jobs = jobs
        self._blobs = blobs
        self._events = events or ProcessorEvents.uncounted()
        self._upload_ttl = upload_ttl
        self._result_ttl = result_ttl
        self._interval = interval
        self._clock = clock
        self._grace = grace
        self._recover_orphans = recover_orphans

    async def run(self) -> None:
        """Sweep every `interval` seconds until cancelled. Survives outages."""
        await run_periodically("sweeper", self.sweep, interval=self._interval, random_start=True)

    async def sweep(self) -> int:
        """Expire jobs, remove blobs, and return the number of removed blobs. Raises Unavailable."""
        if self._recover_orphans is not None:
            await self._recover_orphans()
        await self._expire_jobs()
        removed = await self._sweep_uploads() + await self._sweep_results()
        await self._forget_uploads()
        await self._sweep_reservations()
        return removed

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
                ids = list(batch.values())
                jobs = await self._jobs.of_uploads(ids)
                needed = await self._jobs.datasets.needed(ids, now=self._clock())
                for blob, upload_id in batch.items():
                    job = jobs.get(upload_id)
                    # Without a job, it may be asked by anyone who knows it.
                    idle_for = self._upload_ttl if job is None else self._grace
                    if upload_id not in needed:
                        removed += await self._remove(blob, job, idle_for)
        return removed

    async def _sweep_results(self) -> int:
        removed = 0
        async with aclosing(self._batches(RESULTS, attempt_of, self._result_ttl)) as batches:
            async for batch in batches:
                jobs = await self._jobs.get_many([job_id for job_id, _ in batch.values()])
                for blob, (job_id, number) in batch.items():
                    job = jobs.get(job_id)
                    removed += await self._remove(
                        blob, job, self._idle_limit_of_output(job, number)
                    )
        return removed

    async def _forget_uploads(self) -> None:
        """Remove what is recorded of uploads whose bytes are gone, and which nothing needs."""
        now = self._clock()
        async for dataset in self._jobs.datasets.unneeded(now=now):
            try:
                await self._blobs.peek(dataset.key)
            except BlobNotFound:
                await self._jobs.datasets.forget(dataset, now=now)

    async def _sweep_reservations(self) -> None:
        """Remove the reservations of uploads that do not exist, or have become jobs.

        An upload that was reserved may never have been created, and one that was removed may have
        kept its reservation, if the process that did it was killed.
        """
        quotas = self._jobs.access.quotas
        async for upload_id, tenant in quotas.reserved_before(self._clock() - self._grace):
            try:
                await self._blobs.peek(key_of(upload_id, tenant))
            except BlobNotFound:
                await quotas.release(upload_id)
                continue
            if await self._is_complete(upload_id):
                await quotas.release(upload_id)

    async def _is_complete(self, upload_id: UUID) -> bool:
        """Whether an upload has a job or is recorded, which tells its size."""
        if await self._jobs.of_upload(upload_id) is not None:
            return True
        return await self._jobs.datasets.get(upload_id) is not None

    async def _batches(
        self, kind: str, owner_of: Callable[[BlobKey], T | None], ttl: float
    ) -> AsyncGenerator[dict[BlobActivity, T], None]:
        """Yield the idle blobs of a kind in batches, each with its owner."""
        batch: dict[BlobActivity, T] = {}
        async with self._blobs.walk(kind) as found:
            async for activity in found:
                owner = owner_of(activity.key)
                if owner is None or activity.idle < min(ttl, self._grace):
                    continue
                batch[activity] = owner
                if len(batch) == BATCH:
                    yield batch
                    batch = {}
        if batch:
            yield batch

    def _idle_limit_of_output(self, job: Job | None, attempt: int) -> float | None:
        """Return after how many idle seconds an output may be removed; None if it is needed."""
        if job is None:
            # The database was restored without the job: an operator may still want the output.
            return self._result_ttl
        running = job.state is JobState.STARTED and job.attempt == attempt
        # Rejects and preview are needed as long as their result.
        published = job.result is not None and attempt_of(job.result.key) == (job.id, attempt)
        needed = running or (published and job.has_kept_result)
        return None if needed else self._grace

    async def _remove(self, blob: BlobActivity, job: Job | None, idle_for: float | None) -> bool:
        if idle_for is None:
            return False
        key = blob.key
        try:
            # A blob that was used since may have a job by now, however long ago that is.
            removed = await self._blobs.expire(key, idle_for=idle_for, used=blob.used)
        except CsvmillError as error:
            # One blob that cannot be removed must not stop the others.
            log.warning("%s could not be removed: %s", key, error)
            return False
        if removed:
            self._events.removed(key, job)
        return removed
