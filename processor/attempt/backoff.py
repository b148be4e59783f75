"""Waits for the database and for storage, with a growing pause between tries."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING, TypeVar

import stamina

from shared.errors import DatabaseUnavailable, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Ping = Callable[[], Awaitable[None]]

T = TypeVar("T")

FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 5.0
"""The longest pause between two tries, in seconds."""
STORAGE_TIMEOUT = 3.0
"""Seconds without an answer after which storage counts as unavailable."""
FRESH = 1.0
"""Seconds for which storage counts as available after an answer."""

log = logging.getLogger(__name__)


async def until_answered(statement: Callable[[], Awaitable[T]]) -> T:
    """Repeat an idempotent statement until the database answers it, and return its result."""
    try:
        return await statement()
    except DatabaseUnavailable as error:
        log.warning("waiting for the database: %s", error)
    await asyncio.sleep(FIRST_BACKOFF)
    async for attempt in _tries(DatabaseUnavailable):
        with attempt:
            try:
                return await statement()
            except DatabaseUnavailable as error:
                log.warning("waiting for the database: %s", error)
                raise
    raise AssertionError("the number of tries is not limited")


class StorageGate:
    """Lets work begin once storage is available, or at once if it was so a moment ago.

    So many small jobs need few pings. If storage becomes unavailable within that moment, the
    attempt fails with a storage fault, as if that had happened right after a ping.
    """

    def __init__(self, ping: Ping, clock: Callable[[], float] = time.monotonic) -> None:
        self._ping = ping
        self._clock = clock
        self._answered_at = -math.inf

    async def passed(self) -> None:
        """Return once storage is available."""
        if self._clock() - self._answered_at < FRESH:
            return
        async for attempt in _tries(StorageUnavailable):
            with attempt:
                await _ping_in_time(self._ping)
        self._answered_at = self._clock()

    def close(self) -> None:
        """Ask storage again before any work begins, because it has just failed."""
        self._answered_at = -math.inf


async def storage_answers(ping: Ping) -> bool:
    """Whether storage is available now."""
    try:
        await _ping_in_time(ping)
    except StorageUnavailable:
        return False
    return True


async def _ping_in_time(ping: Ping) -> None:
    try:
        async with asyncio.timeout(STORAGE_TIMEOUT):
            await ping()
    except (StorageUnavailable, TimeoutError) as error:
        reason = str(error) or "no answer in time"
        log.warning("storage is unavailable: %s", reason)
        raise StorageUnavailable(reason) from error


def _tries(on: type[Exception]) -> AsyncIterator[stamina.Attempt]:
    return aiter(
        stamina.retry_context(
            on=on,
            attempts=None,
            timeout=None,
            wait_initial=FIRST_BACKOFF,
            wait_max=LONGEST_BACKOFF,
            wait_jitter=FIRST_BACKOFF,
        )
    )
