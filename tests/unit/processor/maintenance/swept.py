"""Blobs and jobs that a sweeper sweeps, on all adapters of blobs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from processor.maintenance.sweeper import Sweeper
from shared.blobs.blob import RESULTS, UPLOADS, BlobKey, result_key, upload_key
from shared.jobs.job import SONG_PLAYS, JobResult
from storage.s3.notes import USES
from tests.blob_backends import stream

if TYPE_CHECKING:
    from pathlib import Path

    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore
    from shared.ports import Blobs


HOUR = 3600.0
UPLOAD_TTL = 24 * HOUR
RESULT_TTL = 7 * 24 * HOUR
GRACE = 600.0


@dataclass
class Store:
    """Real adapters, and a clock that tests move forward."""

    root: Path
    blobs: Blobs
    jobs: SqlJobStore
    now: float

    def pass_time(self, seconds: float) -> None:
        """Make all blobs `seconds` older, and move the clock of the sweepers."""
        self.now += seconds
        for noted in (*self.root.glob("[!.]*/*"), *self.root.glob(f"{USES}/*/*")):
            then = noted.stat().st_mtime - seconds
            os.utime(noted, (then, then))

    def sweeper(self, **ports: Any) -> Sweeper:
        given = {"jobs": self.jobs, "blobs": self.blobs, **ports}
        return Sweeper(
            **given,
            upload_ttl=UPLOAD_TTL,
            result_ttl=RESULT_TTL,
            interval=0.01,
            clock=lambda: self.now,
            grace=GRACE,
        )

    async def upload(self, *, received: int = 4) -> UUID:
        """An upload of 4 bytes, of which `received` have arrived."""
        upload_id = uuid4()
        await self.blobs.create(upload_key(upload_id), 4)
        await self.blobs.write(upload_key(upload_id), 0, stream(b"abcd"[:received]))
        return upload_id

    async def job(self, upload_id: UUID | None = None) -> Job:
        upload_id = upload_id or await self.upload()
        return await self.jobs.create(
            upload_id=upload_id,
            input_key=upload_key(upload_id),
            input_size=4,
            filename="plays.csv",
            aggregation=SONG_PLAYS,
            max_attempts=9,
            now=self.now,
        )

    async def attempt(self, job: Job) -> int:
        """A new attempt that has written its output. The previous one has lost its lease."""
        claimed = await self.jobs.claim(
            job.id, worker="w", lease_until=self.now + 15, now=self.now + 16
        )
        assert claimed is not None
        key = result_key(job.id, claimed.attempt)
        await self.blobs.create(key, 2)
        await self.blobs.write(key, 0, stream(b"%02d" % claimed.attempt))
        return claimed.attempt

    async def succeed(self, job: Job, attempt: int) -> None:
        result = JobResult(result_key(job.id, attempt), 2, "0" * 64, 1, 1)
        await self.jobs.succeed(job.id, attempt, result, now=self.now)

    async def kept(self) -> set[BlobKey]:
        """The keys of all blobs."""
        keys = set()
        for kind in (UPLOADS, RESULTS):
            async with self.blobs.walk(kind) as found:
                keys |= {activity.key async for activity in found}
        return keys
