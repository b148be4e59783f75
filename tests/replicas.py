"""Several storage servers behind one adapter of the Blobs port, for tests.

They are services of this process, each with a folder. Unlike those with object storage, they share
nothing: a complete blob is at one of them, and nothing of a blob in flight is durable elsewhere.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from shared.blobs.servers.metrics import ServerMetrics
from shared.blobs.servers.routed import RoutedBlobs
from shared.blobs.servers.routing import Routing
from shared.blobs.servers.server import StorageServer
from shared.blobs.servers.watch import ServerWatch
from shared.errors import BlobMoved, BlobNotFound
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import TOKEN, storage_server
from tests.contract.job_stores import open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from shared.blobs.blob import BlobActivity, BlobInfo, BlobKey
    from shared.blobs.servers.place import Places
    from shared.ports import Blobs

LOST_AFTER = 60.0


class FolderReplica(FilesystemBlobs):
    """A folder that implements `AdoptsUploads`, without anything elsewhere."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, fsync=False)
        self._epochs: dict[BlobKey, int] = {}

    async def hold(self, key: BlobKey, epoch: int) -> None:
        """See the protocol."""
        seen = self._epochs.get(key, epoch)
        if epoch < seen or (epoch > seen and await self._has(key)):
            raise BlobMoved(f"{key} has epoch {seen} here, not {epoch}")
        self._epochs[key] = epoch

    async def adopt(self, key: BlobKey, epoch: int) -> BlobInfo:
        """See the protocol."""
        seen = self._epochs.get(key, 0)
        if epoch < seen:
            raise BlobMoved(f"{key} has epoch {seen} here, not {epoch}")
        if epoch > seen:
            await self.abandon(key, epoch)
        self._epochs[key] = epoch
        return await self.info(key)

    async def abandon(self, key: BlobKey, epoch: int) -> None:
        """See the protocol."""
        if self._epochs.get(key, 0) < epoch and await self._has(key):
            await self.delete(key)

    def walk_here(self, kind: str) -> AbstractAsyncContextManager[AsyncIterator[BlobActivity]]:
        """See the protocol."""
        return self.walk(kind)

    async def _has(self, key: BlobKey) -> bool:
        try:
            return not (await self.peek(key)).complete
        except BlobNotFound:
            return False


@dataclass
class Replicas:
    """Storage servers that can be stopped, and the adapter over them."""

    blobs: RoutedBlobs
    watch: ServerWatch
    routing: Routing
    places: Places
    metrics: ServerMetrics
    kept: dict[str, Blobs] = field(default_factory=dict)
    """What each server keeps, by its URL."""


@asynccontextmanager
async def routed(
    kept: dict[str, Blobs], places: Places, lost_after: float = LOST_AFTER
) -> AsyncIterator[Replicas]:
    """Open the adapter of one process over these servers."""
    metrics = ServerMetrics(CollectorRegistry())
    servers = [StorageServer(url, TOKEN) for url in kept]
    async with ServerWatch(servers, lost_after, metrics) as watch:
        routing = Routing(watch, places, metrics, lost_after=lost_after)
        yield Replicas(RoutedBlobs(watch, routing, places), watch, routing, places, metrics, kept)


@asynccontextmanager
async def replicas(root: Path, count: int = 2) -> AsyncIterator[Replicas]:
    """Run storage servers, with the places in SQLite."""
    async with AsyncExitStack() as stack:
        kept: dict[str, Blobs] = {}
        for number in range(count):
            folder = root / f"server-{number}"
            blobs = await stack.enter_async_context(FolderReplica(folder))
            kept[await stack.enter_async_context(storage_server(folder, blobs))] = blobs
        store = await stack.enter_async_context(open_store(f"sqlite:///{root / 'places.db'}"))
        yield await stack.enter_async_context(routed(kept, store.places))


@asynccontextmanager
async def replicated_blobs(root: Path) -> AsyncIterator[Blobs]:
    """Open the adapter over two storage servers."""
    root.mkdir(exist_ok=True)
    async with replicas(root) as opened:
        yield opened.blobs
