"""Ends requests in progress whose key is revoked or expires meanwhile.

A download, an event stream and an upload may take hours after their key was checked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.errors import CsvmillError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

    from gateway.access.known_keys import KnownKeys

LEAST_INTERVAL = 1.0
"""Seconds between two looks at the keys, even if keys are not remembered."""

log = logging.getLogger(__name__)


class Running:
    """The requests in progress of each API key."""

    def __init__(self, keys: KnownKeys, interval: float) -> None:
        """Look at the keys every `interval` seconds while `watch` runs."""
        self._keys = keys
        self._interval = max(LEAST_INTERVAL, interval)
        self._connections: dict[str, set[asyncio.WriteTransport]] = {}

    @contextmanager
    def one(self, request: web.Request, key_id: str) -> Iterator[None]:
        """Count a request while the context lasts."""
        transport = request.transport
        if transport is None:  # it is lost already
            yield
            return
        connections = self._connections.setdefault(key_id, set())
        connections.add(transport)
        try:
            yield
        finally:
            connections.discard(transport)
            if not connections and self._connections.get(key_id) is connections:
                del self._connections[key_id]

    async def watch(self) -> None:
        """End requests whose key is not valid any more, until cancelled."""
        while True:
            await asyncio.sleep(self._interval)
            for key_id in list(self._connections):
                await self._check(key_id)

    async def _check(self, key_id: str) -> None:
        try:
            key = await self._keys.find(key_id)
        except CsvmillError as error:
            log.debug("key %s cannot be looked up now: %s", key_id, error)
            return
        if key is not None and key.is_valid(time.time()):
            return
        connections = list(self._connections.get(key_id, ()))
        for connection in connections:
            connection.abort()
        if connections:
            log.info("requests in progress of key %s are ended: it is not valid any more", key_id)
