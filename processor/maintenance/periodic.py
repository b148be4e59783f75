"""Runs the steps of a background task again and again."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from shared.errors import StorageFull, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FIRST_RUN = 30.0
"""Seconds within which a task runs first: a process that is started with other settings, such as a
shorter retention, applies them soon."""

log = logging.getLogger(__name__)


async def run_periodically(
    name: str,
    *steps: Callable[[], Awaitable[object]],
    interval: float,
    random_start: bool = False,
) -> None:
    """Run `steps` in order every `interval` seconds until cancelled. Errors are logged.

    With `random_start` the first run is late by up to `interval` seconds, and FIRST_RUN at most,
    so that processors that start together do not all do the same work at the same time.
    """
    if random_start:
        late = random.uniform(0, min(interval, FIRST_RUN))  # noqa: S311  (no secret)
        await asyncio.sleep(late)
    while True:
        for step in steps:
            try:
                await step()
            except (Unavailable, StorageFull) as error:
                log.warning("%s waits: %s", name, error)
            except Exception:  # without the task, its work would stop unnoticed
                log.exception("%s failed and continues", name)
        await asyncio.sleep(interval)
