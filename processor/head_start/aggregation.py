"""The aggregation of one upload that is still being received."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.errors import AttemptFailed
from shared.jobs.head_start import HeadStartProgress
from shared.uploads.metadata import aggregation_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from processor.engines.port import Engine, EngineProgress, Output
    from processor.head_start.source import GrowingSource
    from shared.blobs.blob import BlobInfo


class GrowingAggregation:
    """Runs the engine on an upload, and gives its output to the job.

    The engine begins with `start`, and ends with the upload or with `close`. It writes to `folder`.
    `time_limit` (seconds) applies from the moment in which the job asks for the output.
    """

    def __init__(
        self,
        engine: Engine,
        blob: BlobInfo,
        source: GrowingSource,
        folder: Path,
        *,
        time_limit: float | None,
    ) -> None:
        self.source = source
        self.claimed = False
        """Whether an attempt at the job has asked for the output."""
        self.released = asyncio.Event()
        """Set when that attempt does not need the output any more."""
        self._engine = engine
        self._blob = blob
        self._folder = folder
        self._time_limit = time_limit
        self._progress: Callable[[EngineProgress], None] | None = None
        self._latest: EngineProgress | None = None
        self.engine_run: asyncio.Task[Output]

    def start(self) -> None:
        """Start the engine."""
        self.engine_run = asyncio.create_task(
            self._engine.aggregate(
                aggregation_of(self._blob.metadata), [self.source], self._folder, self._note
            )
        )

    async def close(self) -> None:
        """Stop the engine, if it runs."""
        self.engine_run.cancel()
        await asyncio.gather(self.engine_run, return_exceptions=True)

    @property
    def usable(self) -> bool:
        """Whether an attempt may ask for the output: none has, and the engine has not failed."""
        failed = self.engine_run.done() and not self.source.complete.is_set()
        return not self.claimed and not failed

    @property
    def progress(self) -> HeadStartProgress:
        """How far the engine has come."""
        latest = self._latest
        if latest is None:
            return HeadStartProgress(0)
        return HeadStartProgress(
            latest.done,
            latest.rows,
            latest.rows_estimated,
            latest.rejected,
            latest.first_problem,
        )

    @property
    def bytes_done(self) -> int:
        """See `processor.attempt.run.Prepared`."""
        return self.source.read_at_completion

    @asynccontextmanager
    async def output(self, progress: Callable[[EngineProgress], None]) -> AsyncIterator[Output]:
        """See `processor.attempt.run.Prepared`. Stops the engine if it is cancelled."""
        self.claimed = True
        self._progress = progress
        self.source.hurry()
        if self._latest is not None:
            progress(self._latest)
        began = time.monotonic()
        try:
            yield self._since(began, await self._in_time())
        finally:
            self.released.set()

    async def _in_time(self) -> Output:
        try:
            async with asyncio.timeout(self._time_limit) as limit:
                return await self.engine_run
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise AttemptFailed(
                f"not done within {self._time_limit:g} s, the limit of an attempt "
                "(CSVMILL_TIME_LIMIT)"
            ) from error

    def _note(self, progress: EngineProgress) -> None:
        self._latest = progress
        if self._progress is not None:
            self._progress(progress)

    def _since(self, began: float, output: Output) -> Output:
        """Return the output with the times that the job has waited, and not the upload."""
        seconds = output.report.seconds
        waited = time.monotonic() - began
        write = min(seconds.write, waited)
        seconds = replace(seconds, aggregate=waited - write, write=write)
        return replace(output, report=replace(output.report, seconds=seconds))
