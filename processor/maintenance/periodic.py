"""Runs the steps of a background task again and again."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from shared.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


async def run_periodically(
    name: str,
    *steps: Callable[[], Awaitable[object]],
    interval: float,
    random_start: bool = False,
) -> None:
    """Run `steps` in order every `interval` seconds until cancelled. Errors are logged.

    With `random_start` the first run is up to `interval` seconds late, so that processors that
    start together do not all do the same work at the same time.
    """
    if random_start:
        await asyncio.sleep(random.uniform(0, interval))  # noqa: S311  (no secret)
    while True:
        for step in steps:
            try:
                await step()
            except Unavailable as error:
                log.warning("%s waits: %s", name, error)
            except Exception:  # without the task, its work would stop unnoticed
                log.exception("%s failed and continues", name)
        await asyncio.sleep(interval)
