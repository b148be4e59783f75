"""How a process that starts waits for its database."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING

from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
"""Seconds at most between two tries."""
REMINDER = 30.0
"""Seconds between two lines of the log that say what is waited for."""
REFUSED_FOR = 30.0
"""Seconds after which a database that is there, and lets nobody in, is a wrong setting."""

log = logging.getLogger(__name__)


async def until_there(
    step: Callable[[], Awaitable[None]],
    purpose: str,
    *,
    timeout: float | None = None,
    is_refusal: Callable[[DatabaseUnavailable], bool] = lambda _: False,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Try `step` until it does not raise DatabaseUnavailable; `purpose` says for the log what for.

    Raises what it raised last once `timeout` seconds have passed (None: never), or `REFUSED_FOR`
    seconds of nothing but refusals.
    """
    deadline = clock() + (math.inf if timeout is None else timeout)
    refused_since = told_at = None
    pause = FIRST_PAUSE
    while True:
        try:
            return await step()
        except DatabaseUnavailable as error:
            now = clock()
            if not is_refusal(error):
                refused_since = None
            elif refused_since is None:
                refused_since = now
            if now + pause > deadline:
                raise
            if refused_since is not None and now + pause > refused_since + REFUSED_FOR:
                raise
            if told_at is None or now >= told_at + REMINDER:
                log.warning("waiting for the database%s: %s", purpose, error)
                told_at = now
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
