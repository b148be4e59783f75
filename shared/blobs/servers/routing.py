"""Finds the storage server of a blob, and moves blobs in flight from servers that are lost."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.blobs.blob import UPLOADS
from shared.blobs.epochs import under_epoch
from shared.blobs.servers.recent import Recent
from shared.errors import BlobNotFound, CsvmillError, DatabaseUnavailable, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.blobs.blob import BlobKey, Declaration
    from shared.blobs.servers.metrics import ServerMetrics
    from shared.blobs.servers.place import Place, Places
    from shared.blobs.servers.server import StorageServer
    from shared.blobs.servers.watch import ServerWatch

REMEMBERED = 10_000
"""Blobs of which a process remembers where they are."""
LONGEST_MEMORY = 10.0
"""Seconds for which a place is used at most before the database is asked again. Shorter than the
time after which a server is lost: a place that was moved is then used no longer."""

log = logging.getLogger(__name__)


def is_upload(key: BlobKey) -> bool:
    """Whether a blob has a place while it is received. Others are written by one process."""
    return key.startswith(f"{UPLOADS}/")


@dataclass(frozen=True, slots=True)
class Route:
    """The server for a request, and the place for which it is made."""

    server: StorageServer
    place: Place | None = None

    @contextmanager
    def taken(self) -> Iterator[StorageServer]:
        """Make requests to the server under the epoch of the place."""
        with under_epoch(None if self.place is None else self.place.epoch):
            yield self.server


class Routing:
    """Knows the places of blobs. Every method raises StorageUnavailable without the database."""

    def __init__(
        self, watch: ServerWatch, places: Places, metrics: ServerMetrics, *, lost_after: float
    ) -> None:
        self._watch = watch
        self._places = places
        self._metrics = metrics
        self._memory = min(LONGEST_MEMORY, lost_after / 3)
        self._known: Recent[BlobKey, tuple[Place, float]] = Recent(REMEMBERED)
        self._outputs: Recent[BlobKey, StorageServer] = Recent(REMEMBERED)
        """The servers to which this process writes results."""
        self._complete: Recent[BlobKey, bool] = Recent(REMEMBERED)

    async def begin(self, key: BlobKey, declaration: Declaration) -> Route:
        """Return the route to a blob that is to be created unless it exists.

        Raises StorageFull and StorageUnavailable if no server takes new blobs.
        """
        if not is_upload(key):
            server = self._outputs.get(key) or self._watch.choose(key)
            self._outputs.set(key, server)
            return Route(server)
        route = await self.find(key)
        while route is None:
            server = self._watch.choose(key)
            with database():
                place = await self._places.put(key, server.name, declaration)
            route = await self._usable(place)
        return route

    async def find(self, key: BlobKey) -> Route | None:
        """Return the route to a blob that is being received; None if it has no place."""
        if not is_upload(key):
            server = self._outputs.get(key)
            return None if server is None else Route(server)
        place = await self._place(key)
        return None if place is None else await self._usable(place)

    async def place(self, key: BlobKey) -> Place | None:
        """Return what the database knows of a blob now, also that it was deleted."""
        with database():
            return await self._places.find(key)

    def forget(self, key: BlobKey) -> None:
        """Ask the database again where a blob is, as its server did not answer as expected."""
        self._known.forget(key)
        self._outputs.forget(key)
        self._complete.forget(key)

    def is_complete(self, key: BlobKey) -> bool:
        """Whether a blob is known to have been complete."""
        return self._complete.get(key) is not None

    async def completed(self, key: BlobKey, route: Route | None = None) -> None:
        """Remember that a blob is complete. It has no place any more.

        A server that had received it too, because it was moved at the same time, discards its copy.
        """
        self._outputs.forget(key)
        if is_upload(key) and (route is None or route.place is not None):
            self._known.forget(key)
            try:
                removed = await self._places.remove(key)
            except DatabaseUnavailable as error:
                log.warning("the place of %s, which is complete, stays for now: %s", key, error)
                return
            if removed is not None and route is not None and removed.server != route.server.name:
                await self.abandon(key, self._watch.named(removed.server), removed.epoch + 1)
        self._complete.set(key, True)

    async def size_declared(self, place: Place, size: int) -> None:
        """Record the size of a blob that was declared after its place."""
        self._known.forget(place.key)
        with database():
            await self._places.declare_size(place, size)

    async def abandon(
        self, key: BlobKey, server: StorageServer | None, epoch: int, *, deleted: bool = False
    ) -> None:
        """Let a server discard what it has received of a blob that is elsewhere, if it answers.

        Or one that was `deleted`.
        """
        if server is None:
            return
        try:
            await server.abandon(key, epoch, deleted=deleted)
        except CsvmillError as error:
            log.warning("%s keeps its part of %s for now: %s", server.name, key, error)

    async def deleted(self, key: BlobKey, place: Place | None, *, everywhere: bool) -> None:
        """Record that a blob was deleted: on all servers, or on those that answer."""
        self.forget(key)
        if not is_upload(key):
            return
        with database():
            if not everywhere:
                await self._places.bury(key)
            elif place is not None:
                await self._places.remove(key, place.epoch)

    async def adopt(self, place: Place) -> None:
        """Let the server of a place take the blob over, from what is durable or from nothing."""
        server, declared = self._watch.named(place.server), place.declaration
        if server is None:
            raise StorageUnavailable(f"storage server {place.server} is not one of the configured")
        try:
            blob = await server.adopt(place.key, place.epoch)
        except BlobNotFound:
            with under_epoch(place.epoch):
                blob = await server.create(
                    place.key,
                    declared.size,
                    sha256=declared.sha256,
                    metadata=declared.metadata,
                )
        log.info("%s has %s now, of which %d bytes are left", server.name, place.key, blob.prefix)
        with database():
            await self._places.settle(place)

    async def _place(self, key: BlobKey) -> Place | None:
        """Return the place of a blob, which may be remembered; None if it has none."""
        known = self._known.get(key)
        if known is not None and time.monotonic() - known[1] < self._memory:
            return known[0]
        try:
            place = await self.place(key)
        except StorageUnavailable:
            if known is None:
                raise
            return known[0]
        return None if place is None or place.server is None else place

    async def _usable(self, place: Place) -> Route | None:
        """Return the route to a place, after moving it from a lost server, and adopting the blob.

        Returns None if the place is gone meanwhile.
        """
        while self._watch.is_lost(place.server):
            target = self._watch.choose(place.key)
            with database():
                moved = await self._places.move(place, target.name)
            if moved is None or moved.server is None:
                self._known.forget(place.key)
                return None
            if moved.epoch != place.epoch and moved.server == target.name:
                log.warning("%s is lost: %s moves to %s", place.server, place.key, target.name)
                self._metrics.moved.inc()
            place = moved
        if not place.settled:
            await self.adopt(place)
            place = replace(place, settled=True)
        server = self._watch.named(place.server)
        if server is None:
            raise StorageUnavailable(f"storage server {place.server} is not one of the configured")
        self._known.set(place.key, (place, time.monotonic()))
        return Route(server, place)


@contextmanager
def database() -> Iterator[None]:
    """Turn DatabaseUnavailable into StorageUnavailable, as the port promises."""
    try:
        yield
    except DatabaseUnavailable as error:
        raise StorageUnavailable(f"where the file is cannot be found out: {error}") from error
