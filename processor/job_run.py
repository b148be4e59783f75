"""One attempt at one job: read the input, aggregate it, write the output to storage."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.blobs import result_key
from shared.jobs import JobResult

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from processor.engines.port import Engine, Output, Progress
    from processor.scratch import Scratch
    from shared.blobs import BlobKey
    from shared.jobs import Job
    from shared.ports import Blobs

CHUNK = 64 << 20
"""Bytes of the result sent to storage in one chunk."""
PIECE = 1 << 20
"""Bytes of the result held in memory at a time."""


class JobRun:
    """Runs attempts with one engine; holds nothing between them."""

    def __init__(self, blobs: Blobs, engine: Engine, scratch: Scratch) -> None:
        self._blobs = blobs
        self._engine = engine
        self._scratch = scratch

    async def run(self, job: Job, progress: Callable[[Progress], None]) -> JobResult:
        """Aggregate the job's input and store the output under `results/<job>/<attempt>`.

        `progress` is told, several times a second, how far the engine has come. Nothing is visible
        to clients until the job's row points to it. Cancelling stops the engine and leaves at most
        an unfinished blob, which `discard` removes.
        Raises MalformedInput, AttemptFailed, and what `Blobs` raises.
        """
        async with self._scratch.folder(f"{job.id}-{job.attempt}") as folder:
            source = BlobSource(self._blobs, job.input_key, job.input_size)
            output = await self._engine.aggregate(job.aggregation, source, folder, progress)
            return await self._store(job, output)

    async def ping(self) -> None:
        """Return if storage can be used now. Raises StorageUnavailable."""
        await self._blobs.ping()

    async def discard(self, job: Job) -> None:
        """Remove what an attempt that did not succeed wrote to storage."""
        await self._blobs.delete(result_key(job.id, job.attempt))

    async def _store(self, job: Job, output: Output) -> JobResult:
        key = result_key(job.id, job.attempt)
        await self._blobs.create(key, output.size, sha256=output.sha256)
        for offset in range(0, output.size, CHUNK):
            await self._blobs.write(key, offset, _pieces(output.path, offset, CHUNK))
        return JobResult(
            key=key,
            size=output.size,
            sha256=output.sha256,
            rows_in=output.rows_in,
            rows_out=output.rows_out,
        )


class BlobSource:
    """A blob as an engine reads it: a local file where there is one, else a stream."""

    def __init__(self, blobs: Blobs, key: BlobKey, size: int) -> None:
        self._blobs = blobs
        self._key = key
        self.size = size
        self.local_path = blobs.local_path(key)

    def open(self) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The whole input from its start, as often as wanted."""
        return self._blobs.open(self._key)


async def _pieces(path: Path, offset: int, length: int) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        await asyncio.to_thread(file.seek, offset)
        while length > 0 and (piece := await asyncio.to_thread(file.read, min(PIECE, length))):
            length -= len(piece)
            yield piece
