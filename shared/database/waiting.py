"""Waits for the database when a process starts."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

import stamina

from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 2.0
"""The longest pause between two tries, in seconds."""
REMINDER = 30.0
"""Seconds between two log lines about the same wait."""
REFUSED_FOR = 30.0
"""Seconds of refusals after which the user or the database name counts as a wrong setting."""

log = logging.getLogger(__name__)


async def until_available(
    step: Callable[[], Awaitable[None]],
    purpose: str = "",
    *,
    timeout: float | None = None,
    is_refusal: Callable[[DatabaseUnavailable], bool] = lambda _: False,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Repeat `step` until it does not raise DatabaseUnavailable.

    Raises the last error after `timeout` seconds (None: never), or after `REFUSED_FOR` seconds in
    which `is_refusal` was true of every error. `purpose` is a part of the log line.
    """
    wait = _Wait(purpose, timeout, is_refusal, clock)
    async for attempt in stamina.retry_context(
        on=wait.continues_after,
        attempts=None,
        timeout=None,
        wait_initial=FIRST_BACKOFF,
        wait_max=LONGEST_BACKOFF,
        wait_jitter=FIRST_BACKOFF,
    ):
        with attempt:
            await step()


class _Wait:
    """Decides whether to continue after an error, and logs the wait now and then."""

    def __init__(
        self,
        purpose: str,
        timeout: float | None,
        is_refusal: Callable[[DatabaseUnavailable], bool],
        clock: Callable[[], float],
    ) -> None:
        self._purpose = purpose
        self._is_refusal = is_refusal
        self._clock = clock
        self._deadline = clock() + (math.inf if timeout is None else timeout)
        self._refused_since = math.inf
        self._logged_at = -math.inf

    def continues_after(self, error: Exception) -> bool:
        """Whether to try again after `error`."""
        if not isinstance(error, DatabaseUnavailable):
            return False
        now = self._clock()
        if self._is_refusal(error):
            self._refused_since = min(self._refused_since, now)
        else:
            self._refused_since = math.inf
        if now >= self._deadline or now >= self._refused_since + REFUSED_FOR:
            return False
        if now >= self._logged_at + REMINDER:
            log.warning("waiting for the database%s: %s", self._purpose, error)
            self._logged_at = now
        return True
