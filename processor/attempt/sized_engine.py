"""An engine that runs small jobs with little memory, so that many fit beside a large one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from processor.engines.usage import OutOfMemory
from shared.jobs.wake_up import is_small

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from processor.engines.port import Engine, EngineProgress, Output, Source
    from shared.jobs.job import Aggregation


class SizedEngine:
    """Runs small sources with the engine `small`, and all others with `large`.

    A small source that needs more memory, as a file that expands a thousandfold may, is read again
    by `large`; one such source at a time.
    """

    def __init__(self, small: Engine, large: Engine) -> None:
        self._small = small
        self._large = large
        self._outgrown = asyncio.Lock()

    async def aggregate(
        self,
        aggregation: Aggregation,
        source: Source,
        scratch: Path,
        progress: Callable[[EngineProgress], None],
    ) -> Output:
        """See `Engine.aggregate`."""
        if not is_small(source.size):
            return await self._large.aggregate(aggregation, source, scratch, progress)
        try:
            return await self._small.aggregate(aggregation, source, scratch, progress)
        except OutOfMemory:
            async with self._outgrown:
                return await self._large.aggregate(aggregation, source, scratch, progress)
