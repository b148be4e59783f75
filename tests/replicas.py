"""Several storage servers behind one adapter of the Blobs port, for tests.

They are services of this process, each with a folder. By default they share nothing, unlike those
of production: a complete blob is at one of them, and nothing of a blob in flight is durable
elsewhere.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Self

from prometheus_client import CollectorRegistry
from yarl import URL

from shared.blobs.servers.metrics import ServerMetrics
from shared.blobs.servers.routed import RoutedBlobs
from shared.blobs.servers.routing import Routing
from shared.blobs.servers.server import StorageServer
from shared.blobs.servers.watch import ServerWatch
from shared.errors import BlobMoved, BlobNotFound
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import TOKEN, s3_blobs, storage_server
from tests.contract.job_stores import open_store
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from shared.blobs.blob import BlobActivity, BlobInfo, BlobKey
    from shared.ports import Blobs

LOST_AFTER = 60.0


class FolderReplica(FilesystemBlobs):
    """A folder that implements `AdoptsUploads`, without anything elsewhere."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, fsync=False)
        # As long as this process; those of a restarted server begin with the first request.
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

    async def abandon(self, key: BlobKey, epoch: int, *, deleted: bool = False) -> None:
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
    """Storage servers that can be stopped and started again, and the places of their blobs.

    An asynchronous context.
    """

    root: Path
    count: int = 2
    keep: Callable[[Path], AbstractAsyncContextManager[Blobs]] = FolderReplica
    """Opens what a server keeps in its folder."""
    urls: list[str] = field(default_factory=list)
    kept: list[Blobs] = field(default_factory=list)
    """What each server keeps, also while it is stopped."""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(
                open_store(f"sqlite:///{self.root / 'places.db'}")
            )
            self.places = store.places
            self._running: dict[int, AsyncExitStack] = {}
            stack.push_async_callback(self._stop_all)
            for number, port in enumerate(_ports(self.root, self.count)):
                folder = self.root / f"server-{number}"
                self.kept.append(await stack.enter_async_context(self.keep(folder)))
                self.urls.append(f"http://127.0.0.1:{port}")
                await self.start(number)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def start(self, number: int) -> None:
        """Start a server with what it kept, at its URL."""
        stack = self._running[number] = AsyncExitStack()
        folder, port = self.root / f"server-{number}", URL(self.urls[number]).port
        await stack.enter_async_context(storage_server(folder, self.kept[number], port=port))

    async def stop(self, number: int) -> None:
        """Stop a server: its port is closed."""
        await self._running.pop(number).aclose()

    @asynccontextmanager
    async def process(self, lost_after: float = LOST_AFTER) -> AsyncIterator[RoutedBlobs]:
        """Open the adapter as one process has it, with a memory and a watch of its own."""
        metrics = ServerMetrics(CollectorRegistry())
        servers = [StorageServer(url, TOKEN) for url in self.urls]
        async with ServerWatch(servers, lost_after, metrics) as watch:
            routing = Routing(watch, self.places, metrics, lost_after=lost_after)
            yield RoutedBlobs(watch, routing, self.places)

    async def holder(self, key: BlobKey) -> int:
        """Return the number of the server that has a place for a blob."""
        place = await self.places.find(key)
        assert place is not None
        assert place.server is not None
        return self.urls.index(place.server)

    async def _stop_all(self) -> None:
        for number in list(self._running):
            await self.stop(number)


def _ports(root: Path, count: int) -> list[int]:
    """Return the ports of the servers with these folders, the same after a restart."""
    file = root / "ports"
    if not file.exists():
        file.write_text(" ".join(str(free_port()) for _ in range(count)))
    return [int(port) for port in file.read_text().split()]


@asynccontextmanager
async def replicated_blobs(root: Path) -> AsyncIterator[Blobs]:
    """Open the adapter over two storage servers."""
    async with Replicas(root) as servers, servers.process() as blobs:
        yield blobs


@asynccontextmanager
async def s3_replicas(root: Path) -> AsyncIterator[Blobs]:
    """Open the adapter over two storage servers that share object storage, as in production."""
    keep = partial(s3_blobs, shared=root)
    async with Replicas(root, keep=keep) as servers, servers.process() as blobs:
        yield blobs
