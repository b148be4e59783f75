"""How a worker waits while the database or storage is away."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

from shared.errors import DatabaseUnavailable, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Ping = Callable[[], Awaitable[None]]

T = TypeVar("T")

FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 5.0
"""Seconds at most between two tries."""
STORAGE_TIMEOUT = 3.0
"""Seconds without an answer after which storage counts as away."""

log = logging.getLogger(__name__)


async def until_answered(statement: Callable[[], Awaitable[T]]) -> T:
    """Try a compare-and-set again until the database answers; it must be safe to repeat."""
    backoff = FIRST_BACKOFF
    while True:
        try:
            return await statement()
        except DatabaseUnavailable as error:
            log.warning("waiting for the database: %s", error)
        await asyncio.sleep(backoff)
        backoff = min(backoff * 2, LONGEST_BACKOFF)


async def storage_answers(ping: Ping) -> bool:
    """Whether storage can be used now."""
    try:
        async with asyncio.timeout(STORAGE_TIMEOUT):
            await ping()
    except (StorageUnavailable, TimeoutError) as error:
        log.warning("storage is away: %s", str(error) or "no answer in time")
        return False
    return True


async def until_storage_answers(ping: Ping) -> None:
    """Return when storage can be used."""
    backoff = FIRST_BACKOFF
    while not await storage_answers(ping):
        await asyncio.sleep(backoff)
        backoff = min(backoff * 2, LONGEST_BACKOFF)
