"""The watch over several storage servers: which of them answer, and which are lost."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Self

from shared.blobs.servers.ranking import ranked
from shared.errors import StorageFull, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.blobs.blob import BlobKey
    from shared.blobs.servers.metrics import ServerMetrics
    from shared.blobs.servers.server import StorageServer

LONGEST_INTERVAL = 2.0
"""Seconds between two probes of a server at most."""

log = logging.getLogger(__name__)


class ServerWatch:
    """Opens the servers, and probes them in the background while it is open.

    A server is lost when it has not answered for `lost_after` seconds, as seen from this process.
    """

    def __init__(
        self, servers: Sequence[StorageServer], lost_after: float, metrics: ServerMetrics
    ) -> None:
        self.servers = tuple(servers)
        self._lost_after = lost_after
        self._metrics = metrics
        self._by_name = {server.name: server for server in servers}
        self._interval = min(LONGEST_INTERVAL, lost_after / 5)
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for server in self.servers:
                await stack.enter_async_context(server)
            await asyncio.gather(*(self._probe(server) for server in self.servers))
            self._tasks = [asyncio.create_task(self._watch(server)) for server in self.servers]
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self._stack.aclose()

    def named(self, name: str | None) -> StorageServer | None:
        """Return the server with this URL; None if it is not, or no longer, one of them."""
        return None if name is None else self._by_name.get(name)

    def is_lost(self, name: str | None) -> bool:
        """Whether a server does not answer for so long that its blobs are moved."""
        server = self.named(name)
        return server is None or server.silence() >= self._lost_after

    def ranked(self, key: BlobKey) -> list[StorageServer]:
        """Return the servers in the order for a key, those that do not answer at the end."""
        order = ranked(key, self.servers, lambda server: server.name)
        return sorted(order, key=lambda server: server.state.silent_since is not None)

    def keepers(self) -> list[StorageServer]:
        """Return the servers in one order for all keys, those that do not answer at the end.

        The first one that answers knows the uses of all complete blobs, and removes them.
        """
        return sorted(self.servers, key=lambda server: server.state.silent_since is not None)

    def choose(self, key: BlobKey) -> StorageServer:
        """Return the server for a new blob.

        Raises StorageFull if servers answer and none has space, otherwise StorageUnavailable.
        """
        for server in ranked(key, self.servers, lambda server: server.name):
            if server.ready:
                return server
        raise self.fault()

    def fault(self) -> StorageFull | StorageUnavailable:
        """Return why no server takes new blobs."""
        faults = [f"{server.name}: {server.state.fault}" for server in self.servers]
        full = any(isinstance(server.state.fault, StorageFull) for server in self.servers)
        error = StorageFull if full else StorageUnavailable
        return error(f"no storage server takes new files: {'; '.join(faults)}")

    async def _watch(self, server: StorageServer) -> None:
        while True:
            await asyncio.sleep(self._interval)
            await self._probe(server)

    async def _probe(self, server: StorageServer) -> None:
        before = server.state.fault
        await server.probe()
        self._metrics.ready(server.name, server.ready)
        after = server.state.fault
        if str(before) != str(after):
            if after is None:
                log.info("storage server %s takes new blobs", server.name)
            else:
                log.warning("storage server %s accepts no new blobs: %s", server.name, after)
