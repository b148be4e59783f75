"""Open a source: read its first bytes, detect its dialect, and give all its bytes to the kernel.

The kernel reads a local file by itself, the bytes of a stream from its standard input, and those of
a compressed file from a decompressor, which is another child process.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from processor.engines.child import child_process, python_command
from processor.engines.messages import decode, encode
from processor.engines.pieces import (
    checked_pieces,
    errors_of_source,
    first_bytes,
    first_pieces,
    send_pieces,
)
from shared.csv.compression import compression_of, decompressed_limit
from shared.errors import AttemptFailed, MalformedInput
from shared.inspection.detect import dialect_of
from shared.inspection.sample import SAMPLE_SIZE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from processor.engines.child import Child
    from processor.engines.messages import Message
    from processor.engines.port import EngineLimits, Piece, Source
    from processor.engines.usage import Usage
    from shared.csv.dialect import Compression, Dialect, Input
    from shared.jobs.job import Aggregation

_MODULE = f"{__package__}.decompressor"
_SHARE = 64 << 20
"""Bytes of memory of the decompressor: Python and its buffers."""
_SHORT = 32 << 10
"""Bytes of a sample whose dialect is detected at once: that takes less than to ask a thread."""
_ZSTD_SHARE = 192 << 20
"""A frame of zstd may have a window of 128 MiB."""
_OF_WORKBOOKS: dict[str, Any] = {
    "delimiter": ",", "quote": '"', "escape": "", "line_end": "lf", "encoding": "utf-8",
}  # fmt: skip
"""How a sheet is written as CSV, whatever is declared."""


class Opened:
    """A source whose dialect is known: a local file, which the kernel reads by itself."""

    def __init__(self, path: Path | None, sample: bytes) -> None:
        self.path = path
        """The file that the kernel reads; None if it reads `stdin`."""
        self.sample = sample
        """The first bytes, decompressed: `SAMPLE_SIZE`, or all."""
        self.stdin: int = DEVNULL
        """The standard input of the kernel."""
        self.memory = 0
        """Bytes of memory that the kernel cannot have."""

    def advance(self, usage: Usage, done: int, rows: int) -> None:
        """Report the progress of the kernel, which has read `done` bytes and so many rows."""
        usage.advance(done, rows)

    async def send(self, kernel: Child) -> None:
        """Give the kernel its input, until it has all or has ended.

        Raises AttemptFailed and MalformedInput. Then the kernel must be killed, as it cannot know
        that its input is not complete.
        """

    async def end(self) -> None:
        """Check that a kernel that has ended before its input did so for its own reason.

        Raises AttemptFailed.
        """


class _Stream(Opened):
    """A stream that is not compressed."""

    def __init__(self, taken: Sequence[bytes], rest: AsyncIterator[Piece], sample: bytes) -> None:
        super().__init__(None, sample)
        self._taken = taken
        self._rest = rest
        self._sent = 0
        self.stdin = PIPE

    def advance(self, usage: Usage, done: int, rows: int) -> None:
        # The kernel counts whole blocks only, and the next one may take long to arrive.
        usage.advance(self._sent, rows * self._sent // max(done, 1), estimated=True)

    async def send(self, kernel: Child) -> None:
        async for size in send_pieces(kernel, self._taken, self._rest):
            self._sent += size


class _Decompressed(Opened):
    """The output of a decompressor, whose standard input `feeding` writes."""

    def __init__(
        self, child: Child, feeding: asyncio.Task[None], data: int, memory: int, usage: Usage
    ) -> None:
        super().__init__(None, b"")
        self._child = child
        self._feeding = feeding
        self._usage = usage
        self._finished = False
        self.stdin = data
        self.memory = memory

    def advance(self, usage: Usage, done: int, rows: int) -> None:
        usage.decompressed = done
        usage.advance(0, rows)

    async def read_sample(self) -> None:
        """Wait until the first bytes are known."""
        event = await self._next()
        if event is None:
            raise AttemptFailed(await self._child.exit_message())
        self.sample = base64.b64decode(event["data"])

    async def send(self, kernel: Child) -> None:
        os.close(self.stdin)  # so that the decompressor sees when the kernel has ended
        self.stdin = DEVNULL
        while await self._next() is not None:
            pass

    async def end(self) -> None:
        if not self._finished:
            self._child.kill(signal.SIGTERM)
            if await self._child.wait() not in (0, -signal.SIGTERM):
                raise AttemptFailed(await self._child.exit_message())

    async def _next(self) -> Message | None:
        """Return the next event; None at the end. Raises what the decompressor failed for."""
        line = await self._child.lines.readline()
        if not line:
            if self._feeding.done():
                self._feeding.result()
            return None
        event = decode(line)
        self._usage.advance(event["done"])
        self._usage.beside = event["peak_memory"]
        if event["event"] == "malformed":
            raise MalformedInput(event["reason"])
        if event["event"] == "outgrown":
            raise self._usage.outgrown()
        if event["event"] == "failed":
            raise self._usage.failure(event["reason"])
        self._finished = event["event"] == "finished"
        return event


@asynccontextmanager
async def opened(
    aggregation: Aggregation,
    source: Source,
    folder: Path,
    limits: EngineLimits,
    usage: Usage,
    *,
    dialect: Dialect | None = None,
    header: bool | None = None,
) -> AsyncIterator[Opened]:
    """Open a source. `usage` gets its dialect, which is `dialect` if that is given.

    `header` is whether it has a header, if other files of the job say so.
    Raises MalformedInput if the file as a whole is damaged, or its dialect is not clear, and
    AttemptFailed if the source fails.
    """
    declared = aggregation.known_input
    if header is not None:
        declared = replace(declared, header=header)
    async with AsyncExitStack() as stack:
        found: Opened
        if source.local_path is None:
            with errors_of_source():
                pieces = await stack.enter_async_context(source.open())
            rest = checked_pieces(source, pieces)
            taken = await first_pieces(rest, usage)
            start = b"".join(taken)[:SAMPLE_SIZE]
            found = _Stream(taken, rest, start)
        else:
            rest, taken = None, []
            with errors_of_source():
                start = await asyncio.to_thread(first_bytes, source.local_path)
            found = Opened(source.local_path, start)
        known = dialect.compression if dialect else declared.compression
        compression = known or compression_of(start)
        if declared.sheet is not None and compression != "xlsx":
            raise MalformedInput("input.sheet is given, but the file is not a workbook (.xlsx)")
        if compression != "none":
            found = await stack.enter_async_context(
                _decompressed(source, compression, (taken, rest), declared, folder, limits, usage)
            )
        if dialect is not None:
            usage.dialect = dialect
            yield found
            return
        if compression == "xlsx":
            declared = replace(declared, **_OF_WORKBOOKS)
        detect = partial(
            dialect_of,
            found.sample,
            whole=len(found.sample) < SAMPLE_SIZE,
            declared=declared,
            names=aggregation.named_columns,
            strict=aggregation.is_default,
        )
        # With the default spec, there is little to detect.
        at_once = aggregation.is_default and len(found.sample) <= _SHORT
        detected = detect() if at_once else await asyncio.to_thread(detect)
        usage.dialect = replace(detected, compression=compression)
        yield found


@asynccontextmanager
async def _decompressed(
    source: Source,
    compression: Compression,
    stream: tuple[Sequence[bytes], AsyncIterator[Piece] | None],
    declared: Input,
    folder: Path,
    limits: EngineLimits,
    usage: Usage,
) -> AsyncIterator[_Decompressed]:
    """Start a decompressor for the file, or for the `stream` of its first pieces and the rest."""
    path = source.local_path
    command, variables = python_command(_MODULE)
    share = limits.memory // 2
    if compression != "xlsx":
        share = min(share // 2, _ZSTD_SHARE if compression == "zstd" else _SHARE)
    task = {
        "path": None if path is None else str(path.absolute()),
        "size": source.size,
        "compression": compression,
        "max_size": decompressed_limit(source.size, limits.max_expansion),
        "small": limits.small,
        "memory": share,
        "sheet": declared.sheet,
        "decimal": declared.decimal,
    }
    async with AsyncExitStack() as stack:
        reading, writing = os.pipe()
        try:
            child = await stack.enter_async_context(
                child_process(
                    [*command, str(writing)],
                    folder,
                    stdin=DEVNULL if path is not None else PIPE,
                    pass_fds=(writing,),
                    variables=variables,
                    nice=limits.nice,
                )
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        stack.enter_context(usage.of_child(child.pid))
        child.send(encode(task))
        feeding = asyncio.create_task(_feed(child, *stream))
        found = _Decompressed(child, feeding, reading, share, usage)
        try:
            await found.read_sample()
            yield found
        finally:
            if found.stdin == reading:
                os.close(reading)
            usage.beside = 0
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)


async def _feed(child: Child, taken: Sequence[bytes], rest: AsyncIterator[Piece] | None) -> None:
    """Write a stream to a decompressor. If the stream fails, kill it."""
    if rest is None:
        return
    try:
        async for _ in send_pieces(child, taken, rest):
            pass
    except BaseException:
        child.kill()
        raise
