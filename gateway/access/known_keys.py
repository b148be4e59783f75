"""API keys in memory, so that a request costs no query."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from shared.errors import CsvmillError, TooManyUnknownKeys

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.access.keys import ApiKey
    from shared.access.port import KeyStore

CAPACITY = 10_000
"""The most keys that are kept, and the most ids that are known to belong to no key."""
UNKNOWN_RATE = 100.0
"""Ids a second that may be looked up for the first time. Ids of keys that were found are not
counted, so a flood of others disturbs no one who has used the key before."""
UNKNOWN_BURST = 1000.0
USED_INTERVAL = 60.0
"""Seconds between two records of the use of a key."""

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database said about an id."""

    key: ApiKey | None
    read_at: float


class KnownKeys:
    """The keys that requests have named, each as it was at most `max_age` seconds ago."""

    def __init__(
        self, store: KeyStore, max_age: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._max_age = max_age
        self._clock = clock
        self._keys: OrderedDict[str, _Known] = OrderedDict()
        self._absent: OrderedDict[str, _Known] = OrderedDict()
        self._reading: dict[str, asyncio.Task[ApiKey | None]] = {}
        self._allowance = UNKNOWN_BURST
        self._refilled_at = clock()
        self._recorded: OrderedDict[str, float] = OrderedDict()
        self._writing: set[asyncio.Task[None]] = set()

    async def find(self, key_id: str) -> ApiKey | None:
        """Return a key, or None if there is none with this id.

        Raises DatabaseUnavailable, and TooManyUnknownKeys instead of looking up an id that no
        request has named before, if there are too many such.
        """
        known = self._keys.get(key_id) or self._absent.get(key_id)
        if known is not None and self._clock() - known.read_at < self._max_age:
            return known.key
        reading = self._reading.get(key_id)
        if reading is None:
            if key_id not in self._keys:
                self._take_allowance()
            reading = self._reading[key_id] = asyncio.create_task(self._read(key_id))
        return await asyncio.shield(reading)

    def forget(self, key_id: str) -> None:
        """Ask the database again when the key is used next: it has just changed."""
        self._keys.pop(key_id, None)
        self._absent.pop(key_id, None)
        self._reading.pop(key_id, None)  # it may have read the key as it was before

    def used(self, key_id: str) -> None:
        """Record the use of a key soon, unless that was done within the last minute."""
        now = self._clock()
        recorded = self._recorded.get(key_id)
        if recorded is not None and now - recorded < USED_INTERVAL:
            return
        _put(self._recorded, key_id, now)
        task = asyncio.create_task(self._record(key_id))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Wait until the uses of keys are recorded."""
        await asyncio.gather(*self._writing)

    async def _read(self, key_id: str) -> ApiKey | None:
        asked_at = self._clock()
        try:
            key = await self._store.find(key_id)
        except BaseException:
            self._is_latest(key_id)
            raise
        if self._is_latest(key_id):
            self.forget(key_id)
            _put(self._absent if key is None else self._keys, key_id, _Known(key, asked_at))
        return key

    def _is_latest(self, key_id: str) -> bool:
        """End the running read of a key; return whether the key was not forgotten meanwhile."""
        latest = self._reading.get(key_id) is asyncio.current_task()
        if latest:
            del self._reading[key_id]
        return latest

    async def _record(self, key_id: str) -> None:
        try:
            await self._store.used(key_id, at=time.time())
        except CsvmillError as error:
            self._recorded.pop(key_id, None)
            log.warning("the use of key %s is not recorded: %s", key_id, error)

    def _take_allowance(self) -> None:
        now = self._clock()
        refill = (now - self._refilled_at) * UNKNOWN_RATE
        self._allowance, self._refilled_at = min(UNKNOWN_BURST, self._allowance + refill), now
        if self._allowance < 1.0:
            raise TooManyUnknownKeys("too many unknown API keys are being used; try again")
        self._allowance -= 1.0


KNOWN_KEYS = web.AppKey("known_keys", KnownKeys)


def _put(table: OrderedDict[str, T], key: str, value: T) -> None:
    table[key] = value
    if len(table) > CAPACITY:
        table.popitem(last=False)
