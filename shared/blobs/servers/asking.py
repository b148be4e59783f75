"""Asks the storage server that a blob is at, or any for a complete one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from shared.blobs.blob import BlobInfo
from shared.blobs.servers.routing import Route
from shared.errors import (
    BlobIncomplete,
    BlobMoved,
    BlobNotFound,
    CsvmillError,
    StorageUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.blobs.blob import BlobKey
    from shared.blobs.servers.routing import Routing
    from shared.blobs.servers.server import StorageServer
    from shared.blobs.servers.watch import ServerWatch

T = TypeVar("T")


class Asking:
    """Sends requests to the servers of blobs."""

    def __init__(self, watch: ServerWatch, routing: Routing) -> None:
        self._watch = watch
        self._routing = routing

    async def route(self, key: BlobKey) -> Route:
        """Return the route to a blob that is there, with or without a place. Raises BlobNotFound.

        A blob without a place is complete, or was begun when there was only one server.
        """
        route = await self._routing.find(key)
        return Route(await self._holder(key)) if route is None else route

    async def at(
        self, key: BlobKey, route: Route, ask: Callable[[StorageServer], Awaitable[T]]
    ) -> T:
        """Ask the server of a route once.

        If it says that the blob has moved, raises StorageUnavailable: the next request finds it.
        """
        try:
            with route.taken() as server:
                return await ask(server)
        except BlobMoved:
            await self._restore(key, route)
            raise
        except (BlobNotFound, StorageUnavailable):
            self._routing.forget(key)
            raise

    async def about(
        self,
        key: BlobKey,
        ask: Callable[[StorageServer], Awaitable[T]],
        servers: Sequence[StorageServer] | None = None,
    ) -> T:
        """Ask for what there is of a blob: the server that receives it, or any if it is complete.

        `ask` changes nothing, so that another server is asked if one does not answer. `servers`
        are asked for a complete blob in this order; without them, each is the first for some keys.
        """
        route = None if self._routing.is_complete(key) else await self._routing.find(key)
        if route is None:
            return await self.anywhere(key, ask, servers)
        try:
            answer = await self.at(key, route, ask)
        except (BlobNotFound, StorageUnavailable) as error:
            return await self._again(key, route, ask, error)
        if isinstance(answer, BlobInfo) and answer.complete:
            await self._routing.completed(key, route)
        return answer

    async def anywhere(
        self,
        key: BlobKey,
        ask: Callable[[StorageServer], Awaitable[T]],
        servers: Sequence[StorageServer] | None = None,
    ) -> T:
        """Ask the servers in an order, that for a key by default, until one has the blob complete.

        Returns the answer of a server that has it in part if none has more. Raises BlobIncomplete
        if one says so, BlobNotFound if all that are not lost say so, otherwise StorageUnavailable.
        """
        faults: list[CsvmillError] = []
        partly: list[T] = []
        for server in servers or self._watch.ranked(key):
            try:
                with Route(server).taken():
                    answer = await ask(server)
            except BlobMoved as error:
                faults.append(error)
            except (BlobNotFound, BlobIncomplete, StorageUnavailable) as error:
                lost = isinstance(error, StorageUnavailable) and self._watch.is_lost(server.name)
                faults.append(_Lost(str(error)) if lost else error)
            else:
                if not isinstance(answer, BlobInfo) or answer.complete:
                    if isinstance(answer, BlobInfo):
                        await self._routing.completed(key, Route(server))
                    return answer
                partly.append(answer)
        if partly:
            return partly[0]
        self._routing.forget(key)
        raise min(faults, key=_weight)

    async def _again(
        self,
        key: BlobKey,
        route: Route,
        ask: Callable[[StorageServer], Awaitable[T]],
        error: CsvmillError,
    ) -> T:
        """Ask where the blob is now. Raises `error` if it is where it was, and not complete."""
        current = await self._routing.find(key)
        if current is not None and current != route:
            return await self.at(key, current, ask)
        if current is not None and isinstance(error, BlobMoved):
            return await self.at(key, current, ask)
        try:
            blob = await self.anywhere(key, lambda server: server.peek(key))
        except CsvmillError:
            raise error from None
        if not blob.complete:
            raise error
        await self._routing.completed(key, route)
        return await self.anywhere(key, ask)

    async def _restore(self, key: BlobKey, route: Route) -> None:
        """Let the server of a place adopt the blob, if it says that it has moved and it has not."""
        self._routing.forget(key)
        place = await self._routing.place(key)
        if place is not None and route.place is not None and place.epoch == route.place.epoch:
            await self._routing.adopt(place)

    async def _holder(self, key: BlobKey) -> StorageServer:
        async def look(server: StorageServer) -> tuple[BlobInfo, StorageServer]:
            return await server.peek(key), server

        _, holder = await self.anywhere(key, look)
        return holder


class _Lost(StorageUnavailable):
    """A server is lost; what the others answer counts."""


def _weight(fault: CsvmillError) -> int:
    if isinstance(fault, BlobIncomplete):
        return 0
    if isinstance(fault, _Lost):
        return 3
    return 1 if isinstance(fault, StorageUnavailable) else 2
