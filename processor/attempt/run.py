"""Runs one attempt at a job: reads the input, aggregates it, writes the output to storage."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from processor.attempt.inputs import check_inputs
from processor.engines.places import StoredBlob
from shared.blobs.blob import Declaration, preview_key, rejects_key, result_key
from shared.blobs.content import WholeBytes
from shared.blobs.protocol import START_FIELD
from shared.blobs.remote import RemotelyReadable
from shared.errors import JobFailed
from shared.jobs.job import JobRejects, JobResult
from shared.jobs.report import report_of
from shared.runtime.files import remove_files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from pathlib import Path
    from uuid import UUID

    from processor.attempt.answers import Answers
    from processor.attempt.scratch import Scratch
    from processor.engines.port import Engine, EngineProgress, Output, Written
    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job
    from shared.jobs.report import Report
    from shared.ports import Blobs

CHUNK = 64 << 20
"""Bytes of output per request to storage."""
PIECE = 1 << 20
"""Bytes of output in memory at a time."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The outcome of a successful attempt."""

    result: JobResult
    report: Report
    answer_key: str | None = None
    """The digest of all that the result depends on, if it may answer other jobs."""
    cached_from: UUID | None = None
    """The job whose outputs were copied."""


class Prepared(Protocol):
    """An aggregation of the input of a job that began before the job."""

    @property
    def bytes_done(self) -> int:
        """Bytes that had been read when the upload was complete."""
        ...

    def output(
        self, progress: Callable[[EngineProgress], None]
    ) -> AbstractAsyncContextManager[Output]:
        """Wait for the output, whose files exist as long as the context.

        Entering raises what `Engine.aggregate` raises.
        """
        ...


class HeadStarts(Protocol):
    """The aggregations that this processor began before the jobs existed."""

    def of_job(self, job: Job) -> Prepared | None:
        """Return the aggregation of the job's input, if there is one."""
        ...

    def paused(self) -> AbstractContextManager[None]:
        """Pause all that no job waits for, so that an attempt has the machine."""
        ...


class JobRun:
    """Runs attempts with one engine. Keeps no state between attempts."""

    def __init__(
        self,
        blobs: Blobs,
        engine: Engine,
        scratch: Scratch,
        head_starts: HeadStarts | None = None,
        *,
        small_engine: Engine | None = None,
        answers: Answers | None = None,
    ) -> None:
        """`small_engine` runs small jobs, with little memory; without, `engine` does.

        `answers` knows what other jobs have computed; without, each job is computed.
        """
        self._answers = answers
        self._blobs = blobs
        self._engine = engine
        self._small_engine = small_engine or engine
        self._scratch = scratch
        self._head_starts = head_starts

    async def run(
        self,
        job: Job,
        progress: Callable[[EngineProgress], None],
        *,
        queued: float,
        small: bool = False,
    ) -> Completed:
        """Aggregate the job's input and store the output under `results/<job>/<attempt>`.

        Rejects, if any, are stored under `results/<job>/<attempt>/rejects`, and the preview, if the
        format needs one, under `results/<job>/<attempt>/preview`. Clients see none of it until the
        job's row points to it.

        `progress` is called several times a second. `queued` is how long the job waited for this
        attempt, in seconds, for the report. Cancelling stops the engine and leaves at most an
        incomplete blob, which `discard` removes.
        Raises MalformedInput, AttemptFailed, and the errors of `Blobs`; Outgrown if it is run as a
        `small` job and is none.
        """
        prepared = self._head_starts.of_job(job) if self._head_starts else None
        if prepared is None and (known := await self._answered(job, queued)) is not None:
            return known
        async with AsyncExitStack() as stack:
            try:
                await check_inputs(self._blobs, job)
                if prepared is None:
                    output = await self._aggregate(job, progress, stack, small=small)
                else:
                    output = await stack.enter_async_context(prepared.output(progress))
            except JobFailed as error:
                report = report_of(error)
                if report is not None:
                    error.report = _completed(report, job, queued, prepared)
                raise
            await check_inputs(self._blobs, job)
            started = time.monotonic()
            result = await self._store(job, output)
            stored = time.monotonic() - started
            report = _completed(output.report, job, queued, prepared, stored)
            answer_key = None if self._answers is None else self._answers.key(job)
            return Completed(result, report, answer_key)

    async def _answered(self, job: Job, queued: float) -> Completed | None:
        """Return what another job has computed for the same question, copied for this one."""
        if self._answers is None or (found := await self._answers.find(job)) is None:
            return None
        started = time.monotonic()
        result = await self._answers.copy(found, job)
        if result is None or found.report is None:
            return None
        stored = time.monotonic() - started
        report = replace(found.report, peak_memory=0, peak_scratch=0)
        report = replace(report, seconds=replace(report.seconds, aggregate=0.0, write=0.0))
        report = _completed(report, job, queued, None, stored)
        return Completed(result, report, self._answers.key(job), found.id)

    async def _aggregate(
        self,
        job: Job,
        progress: Callable[[EngineProgress], None],
        stack: AsyncExitStack,
        *,
        small: bool,
    ) -> Output:
        """Return the output, whose files exist until `stack` is closed."""
        sources = [BlobSource(self._blobs, each.key, each.name, each.size) for each in job.inputs]
        engine = self._small_engine if small else self._engine
        with self._others_paused(small=small):
            output = await engine.aggregate(
                job.aggregation, sources, self._scratch.path, progress, job.engine
            )
        written = (output, output.rejects, output.preview)
        stack.push_async_callback(remove_files, *(file.path for file in written if file))
        return output

    def _others_paused(self, *, small: bool) -> AbstractContextManager[None]:
        # Small jobs leave the machine to others soon, and there may always be some.
        if self._head_starts is None or small:
            return nullcontext()
        return self._head_starts.paused()

    async def ping(self) -> None:
        """Return if storage is available. Raises StorageUnavailable."""
        await self._blobs.ping()

    async def discard(self, job: Job) -> None:
        """Remove the blobs that an unsuccessful attempt wrote."""
        # An error on one of them does not stop the others.
        outcomes = await asyncio.gather(
            *(
                self._blobs.delete(key(job.id, job.attempt))
                for key in (preview_key, rejects_key, result_key)
            ),
            return_exceptions=True,
        )
        for error in filter(None, outcomes):
            raise error

    async def _store(self, job: Job, output: Output) -> JobResult:
        rejects = None
        if output.rejects is not None:
            key = rejects_key(job.id, job.attempt)
            await self._put(key, output.rejects)
            rejects = JobRejects(key, output.rejects.size, output.rejects.sha256)
        if output.preview is not None:
            await self._put(preview_key(job.id, job.attempt), output.preview)
        key = result_key(job.id, job.attempt)
        await self._put(key, output)
        return JobResult(
            key=key,
            size=output.size,
            sha256=output.sha256,
            rows_in=output.report.rows.total,
            rows_out=output.report.groups,
            rejects=rejects,
        )

    async def _put(self, key: BlobKey, written: Written) -> None:
        if not written.size:
            await self._blobs.create(key, 0, sha256=written.sha256)
        declaration = Declaration(written.size, written.sha256)
        if written.content:
            whole = WholeBytes(written.content)
            await self._blobs.write(key, 0, whole, declaration=declaration)
            return
        for offset in range(0, written.size, CHUNK):
            length = min(CHUNK, written.size - offset)
            pieces = _pieces(written.path, offset, length)
            await self._blobs.write(
                key, offset, pieces, declaration=None if offset else declaration
            )


def _completed(
    report: Report, job: Job, queued: float, prepared: Prepared | None, stored: float = 0.0
) -> Report:
    """Add to the engine's report what only its caller knows."""
    return replace(
        report,
        bytes_in=job.input_size,
        seconds=replace(report.seconds, queue=queued, store=stored),
        attempts=job.attempt,
        head_start=None if prepared is None else prepared.bytes_done,
    )


class BlobSource:
    """A blob as the source of an engine: a local file if this machine has it, else a stream."""

    def __init__(self, blobs: Blobs, key: BlobKey, name: str, size: int) -> None:
        self._blobs = blobs
        self._key = key
        self.name = name
        self.size = size
        self.local_path = blobs.local_path(key)
        self.place = _place(blobs, key)

    def open(self) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open the input for reading from its start. May be called again."""
        return self._blobs.open(self._key)


def _place(blobs: Blobs, key: BlobKey) -> StoredBlob | None:
    """Return where other machines read a blob; None if they cannot."""
    if not isinstance(blobs, RemotelyReadable):
        return None
    blob = blobs.remote(key)
    return None if blob is None else StoredBlob(blob.urls, blob.fields, START_FIELD)


async def _pieces(path: Path, offset: int, length: int) -> AsyncIterator[bytes]:
    end = offset + length
    while offset < end and (
        piece := await asyncio.to_thread(_read, path, offset, min(PIECE, end - offset))
    ):
        offset += len(piece)
        yield piece


def _read(path: Path, offset: int, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(count)
