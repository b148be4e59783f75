"""Lists and removes blobs on several storage servers."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from shared.blobs.servers.routing import database, is_upload
from shared.errors import BlobNotFound, CsvmillError, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.blobs.blob import BlobActivity, BlobKey
    from shared.blobs.servers.place import Place, Places
    from shared.blobs.servers.routing import Routing
    from shared.blobs.servers.server import StorageServer
    from shared.blobs.servers.watch import ServerWatch

TIDY_INTERVAL = 300.0
"""Seconds between two checks of all places by one process."""
REMEMBERED_DELETIONS = 30 * 86400.0
"""Seconds for which it is known that a blob was deleted while a server was away."""

log = logging.getLogger(__name__)


class Removing:
    """Removes blobs wherever they are, and what is left of blobs that were moved."""

    def __init__(self, watch: ServerWatch, routing: Routing, places: Places) -> None:
        self._watch = watch
        self._routing = routing
        self._places = places
        self._tidied_at = -math.inf
        self._lost: set[str] = set()
        """The servers that were lost then."""

    async def delete(self, key: BlobKey) -> None:
        """See `RoutedBlobs.delete`."""
        place = await self._routing.place(key) if is_upload(key) else None
        if place is not None and place.server is not None and self._watch.is_lost(place.server):
            # What is durable of it elsewhere can be removed by a server that has adopted it.
            route = await self._routing.find(key)
            place = None if route is None else route.place
        servers = self._watch.servers
        outcomes = await asyncio.gather(
            *(server.delete(key) for server in servers), return_exceptions=True
        )
        silent: list[StorageUnavailable] = []
        for server, outcome in zip(servers, outcomes, strict=True):
            if isinstance(outcome, StorageUnavailable):
                receives = place is not None and place.server == server.name
                if receives and not self._watch.is_lost(server.name):
                    raise outcome
                silent.append(outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
        if len(silent) == len(servers):
            raise silent[0]
        await self._routing.deleted(key, place, everywhere=not silent)

    async def expire(self, key: BlobKey, *, idle_for: float, used: float | None) -> bool:
        """See `Blobs.expire`. A complete blob is removed where its uses are known."""
        removed = False
        for server in self._watch.keepers():
            try:
                blob = await server.peek(key)
            except (BlobNotFound, StorageUnavailable):
                continue
            removed |= await server.expire(key, idle_for=idle_for, used=used)
            if blob.complete:
                break
        if removed:
            self._routing.forget(key)
            if is_upload(key):
                with database():
                    await self._places.remove(key)
        return removed

    async def walk(self, kind: str) -> AsyncGenerator[BlobActivity, None]:
        """See `RoutedBlobs.walk`."""
        with database():
            await self._tidy()
        whole: StorageServer | None = None
        for server in self._watch.keepers():
            if self._watch.is_lost(server.name):
                continue
            async with AsyncExitStack() as stack:
                walking = server.walk(kind) if whole is None else server.walk_here(kind)
                found = await stack.enter_async_context(walking)
                whole = whole or server
                async for activity in found:
                    if activity.complete or not await self._is_left_over(activity.key, server):
                        yield activity
        if whole is None:
            raise StorageUnavailable("all storage servers are lost")

    async def _is_left_over(self, key: BlobKey, server: StorageServer) -> bool:
        """Whether a blob in flight was moved away or deleted while a server was away.

        If so, the server is asked to discard its copy.
        """
        if not is_upload(key):
            return False
        place = await self._routing.place(key)
        if place is None:
            if not await self._is_complete_elsewhere(key, server):
                return False
            epoch = int(time.time() * 1e6)
        elif place.server == server.name:
            return False
        else:
            epoch = place.epoch
        deleted = place is not None and place.server is None
        await self._routing.abandon(key, server, epoch, deleted=deleted)
        return True

    async def _is_complete_elsewhere(self, key: BlobKey, server: StorageServer) -> bool:
        for other in self._watch.ranked(key):
            if other is not server and other.answers:
                try:
                    return (await other.peek(key)).complete
                except BlobNotFound:
                    return False
        return False

    async def _tidy(self) -> None:
        """Move all blobs from lost servers, and remove places of blobs that are not in flight."""
        now = time.monotonic()
        lost = {server.name for server in self._watch.servers if self._watch.is_lost(server.name)}
        if now - self._tidied_at < TIDY_INTERVAL and lost <= self._lost:
            return
        self._tidied_at, self._lost = now, lost
        async for place in self._places.all():
            try:
                await self._check(place)
            except CsvmillError as error:
                # One blob must not stop the others.
                log.warning("%s could not be moved or checked: %s", place.key, error)
        await self._places.forget(before=time.time() - REMEMBERED_DELETIONS)

    async def _check(self, place: Place) -> None:
        route = await self._routing.find(place.key)
        if route is None or route.place is None:
            return
        created_at = place.epoch / 1e6
        try:
            blob = await route.server.peek(place.key)
        except BlobNotFound:
            # It may be about to be created.
            if time.time() - created_at > TIDY_INTERVAL:
                await self._places.remove(place.key, place.epoch)
            return
        if blob.complete:
            await self._routing.completed(place.key, route)
