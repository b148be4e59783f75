"""Gauges of values outside of the process, sampled when metrics are requested."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from prometheus_client import Gauge

MAX_AGE = 5.0
"""Seconds for which a sample is reused."""
TIMEOUT = 2.0
"""Seconds that a sample may take."""

log = logging.getLogger(__name__)


class Sample:
    """Sets `gauges` to the values that `look` returns, in their order; to NaN if it fails.

    `look` never runs twice at a time: if it hangs, the next `take` waits for it again.
    """

    def __init__(
        self,
        name: str,
        gauges: Sequence[Gauge],
        look: Callable[[], Awaitable[Sequence[float]]],
        *,
        max_age: float = MAX_AGE,
        timeout: float = TIMEOUT,
    ) -> None:
        self.name = name
        self._gauges = gauges
        self._look = look
        self._max_age = max_age
        self._timeout = timeout
        self._taking = asyncio.Lock()
        self._looking: asyncio.Task[Sequence[float]] | None = None
        self._fresh_until = -math.inf
        self._success = False
        self._set([math.nan] * len(gauges))

    async def take(self) -> bool:
        """Sample, unless the last sample is recent. Returns whether the gauges have values."""
        loop = asyncio.get_running_loop()
        async with self._taking:
            if loop.time() < self._fresh_until:
                return self._success
            if self._looking is None:
                self._looking = asyncio.create_task(self._run())
            done, _ = await asyncio.wait({self._looking}, timeout=self._timeout)
            values = [math.nan] * len(self._gauges)
            self._success = False
            if done:
                task, self._looking = self._looking, None
                if error := task.exception():
                    log.debug("%s could not be sampled: %s", self.name, error)
                else:
                    values, self._success = list(task.result()), True
            self._set(values)
            self._fresh_until = loop.time() + self._max_age
            return self._success

    async def close(self) -> None:
        """Cancel the sample in progress."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
            self._looking = None

    async def _run(self) -> Sequence[float]:
        return await self._look()

    def _set(self, values: Sequence[float]) -> None:
        for gauge, value in zip(self._gauges, values, strict=True):
            gauge.set(value)
