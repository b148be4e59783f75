"""The DuckDB engine, which runs each aggregation in a child process.

The engine has two plans. In the fast plan, DuckDB parses the file on all threads, and the result
counts only if a ledger accounts for every byte of the file. If not, the exact plan reads the source
again with a strict reader in Python, and aggregates the file or reports its problems.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from processor.engines.attempt_stats import AttemptStats
from processor.engines.child_process import child_process, kill, tail
from processor.engines.port import EngineLimits, Output, Written
from processor.engines.protocol import (
    PREVIEW_NAME,
    REJECTS_NAME,
    RESULT_NAME,
    Advanced,
    Finished,
    Plan,
    Refused,
    Task,
    decode_event,
)
from processor.engines.provable import why_not_fast
from shared.csv.compression import decompressed_limit
from shared.errors import AttemptFailed, CsvmillError, MalformedInput

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable

    from processor.engines.port import EngineProgress, Source
    from shared.jobs.job import Aggregation

log = logging.getLogger(__name__)

CHILD = f"{__package__}.duckdb_child"

EXACT_BELOW = 1 << 20
"""The file size in bytes below which the exact plan is faster than importing DuckDB."""


class DuckDBEngine:
    """The engine on DuckDB (see `processor.engines.port`).

    `exact_below` is the file size in bytes from which the fast plan is tried; `csv_buffer` is the
    buffer size of DuckDB's CSV reader in bytes, None for its default.
    """

    def __init__(
        self,
        limits: EngineLimits | None = None,
        *,
        exact_below: int = EXACT_BELOW,
        csv_buffer: int | None = None,
    ) -> None:
        self._limits = limits or EngineLimits()
        self._exact_below = exact_below
        self._csv_buffer = csv_buffer

    async def aggregate(
        self,
        aggregation: Aggregation,
        source: Source,
        scratch: Path,
        progress: Callable[[EngineProgress], None],
    ) -> Output:
        """See `Engine.aggregate`."""
        stats = AttemptStats(source.size, progress)
        try:
            async with asyncio.timeout(self._limits.time_limit) as limit:
                return await self._aggregate(aggregation, source, scratch, stats)
        except TimeoutError as error:
            if not limit.expired():
                raise
            reason = (
                f"not done within {self._limits.time_limit:g} s, the limit of an attempt "
                "(CSVMILL_TIME_LIMIT)"
            )
            raise AttemptFailed(reason, stats.partial_report()) from error
        except AttemptFailed as error:
            error.report = stats.partial_report()
            raise

    async def _aggregate(
        self, aggregation: Aggregation, source: Source, scratch: Path, stats: AttemptStats
    ) -> Output:
        outcome: Finished | Refused | None = None
        if source.size >= self._exact_below and self._provable(aggregation):
            outcome, path = await self._run("fast", aggregation, source, scratch, stats)
            if isinstance(outcome, Refused) and outcome.kind == "inconclusive":
                log.info("using the exact plan: %s", outcome.reason)
                outcome = None
        if outcome is None:
            outcome, path = await self._run("exact", aggregation, source, scratch, stats)
        if isinstance(outcome, Finished):
            return Output(
                path,
                outcome.size,
                outcome.sha256,
                stats.final_report(outcome.report),
                _written(_beside(path, REJECTS_NAME), outcome.rejects_size, outcome.rejects_sha256),
                _written(_beside(path, PREVIEW_NAME), outcome.preview_size, outcome.preview_sha256),
            )
        if outcome.kind == "malformed":
            raise MalformedInput(outcome.reason, stats.final_report(outcome.report))
        raise AttemptFailed(outcome.reason)

    @staticmethod
    def _provable(aggregation: Aggregation) -> bool:
        reason = why_not_fast(aggregation)
        if reason:
            log.info("using the exact plan: %s", reason)
        return reason is None

    async def _run(
        self,
        plan: Plan,
        aggregation: Aggregation,
        source: Source,
        scratch: Path,
        stats: AttemptStats,
    ) -> tuple[Finished | Refused, Path]:
        stats.begin(plan)
        task = Task(
            plan=plan,
            aggregation=aggregation,
            path=None if source.local_path is None else str(source.local_path.absolute()),
            size=source.size,
            memory=self._limits.memory,
            scratch=self._limits.scratch,
            threads=self._limits.threads,
            max_decompressed=decompressed_limit(source.size, self._limits.max_expansion),
            csv_buffer=self._csv_buffer,
        )
        folder = Path(tempfile.mkdtemp(prefix="duckdb-", dir=scratch))
        try:
            async with child_process(CHILD, task.encode(), folder) as child:
                outcome = await _communicate(child, source, stats)
            path = scratch / f"{folder.name}.result"
            if isinstance(outcome, Finished):
                (folder / RESULT_NAME).rename(path)
                for name in (REJECTS_NAME, PREVIEW_NAME):
                    if (folder / name).exists():
                        (folder / name).rename(_beside(path, name))
            return outcome, path
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


async def _communicate(child: Process, source: Source, stats: AttemptStats) -> Finished | Refused:
    """Send the source to the child if it needs it, and read its events until it ends."""
    assert child.stderr is not None  # noqa: S101
    stderr = asyncio.create_task(tail(child.stderr))
    sending = asyncio.create_task(_send_source(child, source))
    try:
        outcome = await _read_events(child, stats)
        status = await child.wait()
        if outcome is None and sending.done():
            sending.result()
    except (CsvmillError, OSError) as error:
        if isinstance(error, AttemptFailed):
            raise
        raise AttemptFailed(f"the source could not be read: {error}") from error
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        kill(child)
        error_text = await stderr
    if outcome is None:
        raise AttemptFailed(_exit_message(status, error_text))
    return outcome


async def _read_events(child: Process, stats: AttemptStats) -> Finished | Refused | None:
    assert child.stdout is not None  # noqa: S101
    outcome: Finished | Refused | None = None
    async for line in child.stdout:
        event = decode_event(line)
        if isinstance(event, Advanced):
            stats.take(event)
        else:
            outcome = event
    if isinstance(outcome, Finished):
        stats.finish()
    return outcome


async def _send_source(child: Process, source: Source) -> None:
    """Write a source that the child cannot open itself to its standard input.

    If the source fails, or its size is wrong, kill the child before it sees the end of the input,
    so that it cannot take the source for complete.
    """
    assert child.stdin is not None  # noqa: S101
    try:
        if source.local_path is None:
            await _write_source(source, child.stdin)
        child.stdin.close()
    except BaseException as error:
        # uvloop raises RuntimeError for a write to a pipe whose other end has just closed.
        broken = isinstance(error, RuntimeError) and child.stdin.is_closing()
        if broken or isinstance(error, (BrokenPipeError, ConnectionResetError)):
            return  # the child ended early; its last event contains the reason
        kill(child)
        raise


async def _write_source(source: Source, stdin: asyncio.StreamWriter) -> None:
    sent = 0
    async with source.open() as pieces:
        async for piece in pieces:
            sent += len(piece)
            stdin.write(piece)
            await stdin.drain()
    if sent != source.size:
        raise AttemptFailed(f"the source ended after {sent} of {source.size} bytes")


def _beside(result: Path, name: str) -> Path:
    """Return the path of another file of the attempt, beside the result."""
    return result.with_suffix(f".{name}")


def _written(path: Path, size: int, sha256: str) -> Written | None:
    return Written(path, size, sha256) if size else None


def _exit_message(status: int, error_text: str) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            how = f"was killed by {signal.Signals(-status).name} (signal {-status})"
            return f"the engine's process {how}" + (f": {error_text}" if error_text else "")
    last = error_text.splitlines()[-1] if error_text else "it wrote no error"
    return f"the engine's process ended with status {status}: {last}"
