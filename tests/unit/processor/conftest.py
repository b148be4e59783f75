"""A processor on the embedded adapters, with a scripted engine."""

from __future__ import annotations

import asyncio
import hashlib
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from processor.attempt.run import JobRun
from processor.attempt.scratch import Scratch
from processor.engines.port import Output, Written
from processor.settings import WorkSettings
from processor.worker import Worker
from shared.access.tenant import DEFAULT_TENANT
from shared.blobs.blob import upload_key
from shared.bus.in_process import InProcessBus
from shared.jobs.engine_choice import EngineChoice
from shared.jobs.job import SONG_PLAYS
from shared.jobs.report import Report, Rows, Seconds
from shared.jobs.store import SqlJobStore, open_job_store
from shared.jobs.wake_up import WakeUp
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import joined

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path
    from uuid import UUID

    from processor.engines.port import EngineProgress, Source
    from shared.access.tenant import Tenant
    from shared.jobs.job import Aggregation, Job
    from shared.ports import Bus, JobStore

INPUT = b"Song,Date,Number of Plays\na,2026-01-01,1\n"
OUTPUT = b"Song,Date,Total Number of Plays for Date\na,2026-01-01,1\n"
REPORT = Report(
    Rows(aggregated=1, filtered=2),
    groups=1,
    engine="scripted",
    engine_version="1.0",
    plan="only",
    bytes_decompressed=len(INPUT),
    bytes_out=len(OUTPUT),
    seconds=Seconds(aggregate=2.0, write=1.0),
    peak_memory=4096,
)


class ScriptedEngine:
    """Waits for `may_finish`, reads the source, waits for `may_write`, and writes OUTPUT.

    After each wait it raises the next of `errors`, if there is one.
    """

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.runs = 0
        self.choices: list[EngineChoice] = []
        self.errors: list[Exception] = []
        self.cancelled = 0
        self.report: Callable[[EngineProgress], None]
        self.rejects = b""
        self.preview = b""

    async def aggregate(
        self,
        aggregation: Aggregation,
        sources: Sequence[Source],
        scratch: Path,
        progress: Callable[[EngineProgress], None],
        choice: EngineChoice = EngineChoice.AUTO,
    ) -> Output:
        self.choices.append(choice)
        assert aggregation == SONG_PLAYS
        self.report = progress
        self.runs += 1
        self.started.set()
        try:
            await self._passed(self.may_finish)
            (source,) = sources
            async with source.open() as pieces:
                assert await joined(pieces) == INPUT
            await self._passed(self.may_write)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        path = scratch / f"{self.runs}-output.csv"
        path.write_bytes(OUTPUT)
        rejects_and_preview = [
            written(scratch / f"{self.runs}-rejects.csv", self.rejects) if self.rejects else None,
            written(scratch / f"{self.runs}-preview.csv", self.preview) if self.preview else None,
        ]
        return Output(
            path, len(OUTPUT), hashlib.sha256(OUTPUT).hexdigest(), REPORT, *rejects_and_preview
        )

    async def _passed(self, gate: asyncio.Event) -> None:
        await gate.wait()
        if self.errors:
            raise self.errors.pop(0)


def written(path: Path, content: bytes) -> Written:
    path.write_bytes(content)
    return Written(path, len(content), hashlib.sha256(content).hexdigest())


@dataclass
class RecordedDelivery:
    """A wake-up that records how it was settled, and the state of the job at that time."""

    wakeup: WakeUp
    jobs: JobStore
    settled: list[str] = field(default_factory=list)
    state_at_settling: str | None = None
    exhausted: bool = False

    async def ack(self) -> None:
        await self._settle("ack")

    async def requeue(self) -> None:
        await self._settle("requeue")

    async def dead_letter(self) -> None:
        await self._settle("dead letter")

    async def _settle(self, how: str) -> None:
        self.settled.append(how)
        self.state_at_settling = (await self.jobs.get(self.wakeup.job_id)).state


class RecordingBus:
    """Records the published wake-ups with their delays, and the dead letters."""

    def __init__(self, bus: Bus) -> None:
        self.published: list[tuple[WakeUp, float]] = []
        self.dead_letters: list[WakeUp] = []
        self.error: Exception | None = None
        self._bus = bus
        self.consume = bus.consume
        self.ping = bus.ping
        self.lost_before = bus.lost_before

    async def publish(self, wakeup: WakeUp, *, delay: float = 0.0) -> None:
        if self.error:
            raise self.error
        self.published.append((wakeup, delay))

    async def dead_letter(self, wakeup: WakeUp) -> None:
        if self.error:
            raise self.error
        self.dead_letters.append(wakeup)


@dataclass
class Rig:
    """The adapters, the engine and the settings of a worker."""

    blobs: FilesystemBlobs
    jobs: SqlJobStore
    bus: RecordingBus
    engine: ScriptedEngine
    scratch: Scratch
    settings: WorkSettings

    def worker(
        self,
        jobs: JobStore | None = None,
        clock: Callable[[], float] = time.time,
        *,
        slots: int = 1,
    ) -> Worker:
        job_run = JobRun(self.blobs, self.engine, self.scratch)
        return Worker(
            jobs or self.jobs,
            self.bus,
            job_run,
            self.settings,
            name="tester",
            clock=clock,
            small_slots=slots,
        )

    async def job(
        self,
        max_attempts: int = 3,
        *,
        upload_id: UUID | None = None,
        tenant: Tenant = DEFAULT_TENANT,
        engine: EngineChoice = EngineChoice.AUTO,
    ) -> Job:
        """A job whose input is complete; that of the upload if one is given."""
        if upload_id is None:
            upload_id = uuid4()
            await self.blobs.create(upload_key(upload_id), len(INPUT))
            await self.blobs.write(upload_key(upload_id), 0, once(INPUT))
        return await self.jobs.create(
            upload_id=upload_id,
            input_key=upload_key(upload_id),
            input_size=len(INPUT),
            filename="plays.csv",
            aggregation=SONG_PLAYS,
            max_attempts=max_attempts,
            now=time.time(),
            tenant=tenant,
            engine=engine,
        )

    def delivery(self, job: Job) -> RecordedDelivery:
        return RecordedDelivery(WakeUp(job.id), self.jobs)


async def once(data: bytes) -> AsyncIterator[bytes]:
    yield data


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as stack:
        jobs = await stack.enter_async_context(
            open_job_store(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
        )
        blobs = await stack.enter_async_context(FilesystemBlobs(tmp_path / "blobs"))
        scratch = Scratch(tmp_path / "scratch")
        stack.callback(scratch.close)
        yield Rig(
            blobs,
            jobs,
            RecordingBus(InProcessBus()),
            ScriptedEngine(),
            scratch,
            WorkSettings(lease=5.0, retry_delay=2.0, scratch_dir=tmp_path / "scratch"),
        )
