"""The adapter of `Blobs` over several storage servers that share their complete blobs."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from shared.blobs.blob import Declaration
from shared.blobs.content import FOLLOW_WAIT
from shared.blobs.remote import RemoteBlob
from shared.blobs.servers.asking import Asking
from shared.blobs.servers.removing import Removing
from shared.errors import BytesLost, StorageFull, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterable,
        AsyncIterator,
        Awaitable,
        Callable,
        Mapping,
        Sequence,
    )
    from pathlib import Path

    from shared.blobs.blob import Admit, AppendLease, BlobActivity, BlobInfo, BlobKey
    from shared.blobs.content import Content, Growth
    from shared.blobs.servers.place import Places
    from shared.blobs.servers.routing import Route, Routing
    from shared.blobs.servers.server import StorageServer
    from shared.blobs.servers.watch import ServerWatch
    from shared.blobs.socket_part import Piece


class RoutedBlobs:
    """Implements `shared.ports.Blobs`. The caller opens and closes `watch`.

    A blob that is being received is at one server, whose place the database knows; a complete one
    is read from any. Also raises StorageUnavailable while the database does not answer, unless the
    place of the blob was used a moment ago.
    """

    def __init__(self, watch: ServerWatch, routing: Routing, places: Places) -> None:
        self._watch = watch
        self._routing = routing
        self._asking = Asking(watch, routing)
        self._removing = Removing(watch, routing, places)

    async def create(
        self,
        key: BlobKey,
        size: int | None,
        *,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlobInfo:
        """See the port."""
        route = await self._routing.begin(key, Declaration(size, sha256, dict(metadata or {})))
        return await self._change(
            key,
            route,
            lambda server: server.create(key, size, sha256=sha256, metadata=metadata),
        )

    async def declare_size(self, key: BlobKey, size: int) -> BlobInfo:
        """See the port."""
        route = await self._asking.route(key)
        blob = await self._change(key, route, lambda server: server.declare_size(key, size))
        if route.place is not None and not blob.complete:
            await self._routing.size_declared(route.place, size)
        return blob

    async def write(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[Piece],
        *,
        declaration: Declaration | None = None,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """See the port.

        With a `declaration`, also raises BytesLost if the blob was moved from a lost server.
        """
        if declaration is None:
            route = await self._asking.route(key)
        else:
            route = await self._routing.begin(key, declaration)
            await self._check_kept(key, route)
        return await self._change(
            key,
            route,
            lambda server: server.write(key, offset, data, declaration=declaration, admit=admit),
        )

    async def append(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[Piece],
        *,
        token: int | None = None,
        whole: bool = False,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """See the port."""
        return await self._change(
            key,
            await self._asking.route(key),
            lambda server: server.append(key, offset, data, token=token, whole=whole, admit=admit),
        )

    async def lease_append(self, key: BlobKey) -> AppendLease:
        """See the port."""
        route = await self._asking.route(key)
        return await self._asking.at(key, route, lambda server: server.lease_append(key))

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """See the port. Any server has the parts, which are complete."""
        return await self._asking.anywhere(
            key, lambda server: server.assemble(key, parts, metadata=metadata)
        )

    async def info(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        keepers = self._watch.keepers()
        return await self._asking.about(key, lambda server: server.info(key), keepers)

    async def peek(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        keepers = self._watch.keepers()
        return await self._asking.about(key, lambda server: server.peek(key), keepers)

    @asynccontextmanager
    async def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[Content]:
        """See the port."""
        async with AsyncExitStack() as stack:

            async def enter(server: StorageServer) -> Content:
                return await stack.enter_async_context(server.open(key, start, stop))

            yield await self._asking.about(key, enter)

    @asynccontextmanager
    async def follow(
        self,
        key: BlobKey,
        start: int = 0,
        *,
        version: str | None = None,
        wait: float = FOLLOW_WAIT,
    ) -> AsyncIterator[Growth]:
        """See the port."""
        async with AsyncExitStack() as stack:

            async def enter(server: StorageServer) -> Growth:
                growing = server.follow(key, start, version=version, wait=wait)
                return await stack.enter_async_context(growing)

            yield await self._asking.about(key, enter)

    async def link(
        self, key: BlobKey, seconds: int, *, content_type: str, disposition: str
    ) -> str | None:
        """See `LinksBlobs`."""
        return await self._asking.about(
            key,
            lambda server: server.link(
                key, seconds, content_type=content_type, disposition=disposition
            ),
        )

    async def delete(self, key: BlobKey) -> None:
        """See the port. A server that is away does not keep the blob from being removed.

        Unless it is the one that receives it, and is not lost yet: raises StorageUnavailable then.
        """
        await self._removing.delete(key)

    async def expire(self, key: BlobKey, *, idle_for: float, used: float | None = None) -> bool:
        """See the port."""
        return await self._removing.expire(key, idle_for=idle_for, used=used)

    @asynccontextmanager
    async def walk(self, kind: str) -> AsyncIterator[AsyncIterator[BlobActivity]]:
        """See the port. Each server lists what it receives, and one of them what is complete."""
        async with aclosing(self._removing.walk(kind)) as found:
            yield found

    def local_path(self, key: BlobKey) -> Path | None:
        """See the port. None: the disk of one server has not all blobs."""
        return None

    def remote(self, key: BlobKey) -> RemoteBlob | None:
        """See `shared.blobs.remote.RemotelyReadable`."""
        found = [each for each in (s.remote(key) for s in self._watch.servers) if each is not None]
        if not found:
            return None
        return RemoteBlob(tuple(url for each in found for url in each.urls), found[0].fields)

    async def ping(self) -> None:
        """See the port. Returns if any server can be used."""
        if not any(server.answers for server in self._watch.servers):
            raise StorageUnavailable(str(self._watch.fault()))

    async def check_room(self) -> None:
        """See the port. Returns if any server takes new uploads."""
        if not any(server.ready for server in self._watch.servers):
            fault = self._watch.fault()
            if isinstance(fault, StorageFull):
                raise fault

    async def _check_kept(self, key: BlobKey, route: Route) -> None:
        """Raise BytesLost if bytes that were acknowledged may be missing.

        Who declares the blob with each chunk sends each once, and does not ask what was received:
        the blob would stay incomplete, and its sender believe that it is complete.
        """
        if route.place is None or not route.place.moved:
            return
        if not (await self._asking.at(key, route, lambda server: server.peek(key))).complete:
            raise BytesLost(
                "a storage server was lost during the upload, and bytes that it had acknowledged "
                "may be missing; send the whole file again, as another upload"
            )

    async def _change(
        self, key: BlobKey, route: Route, ask: Callable[[StorageServer], Awaitable[BlobInfo]]
    ) -> BlobInfo:
        blob = await self._asking.at(key, route, ask)
        if blob.complete:
            await self._routing.completed(key, route)
        return blob
