"""The Blobs port on object storage, over a folder of this machine for what is in flight."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Self

from shared.blobs.blob import parse_kind
from storage.composed_blobs import ComposedBlobs
from storage.s3.adoption import Adoption
from storage.s3.assembly import Assembly
from storage.s3.copies import Copies
from storage.s3.places import Places
from storage.s3.reading import Reading
from storage.s3.remote import RemoteBlobs
from storage.s3.removal import Removal
from storage.s3.sweep import Sweep
from storage.s3.walk import walk, walk_here
from storage.s3.writing import Writing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from shared.blobs.blob import BlobActivity, BlobInfo, BlobKey
    from shared.blobs.listener import BlobListener
    from storage.filesystem.blobs import FilesystemBlobs
    from storage.s3.bucket import Bucket
    from storage.s3.links import Links
    from storage.s3.names import Names
    from storage.s3.notes import Notes

PART_SIZE = 16 << 20
"""Bytes of a part, if the blob is not so large that its parts must be larger."""
ORPHAN_AGE = 86_400.0
"""Seconds after which what no blob names in object storage is removed."""


class S3Blobs(ComposedBlobs):
    """Implements `shared.ports.Blobs` in `bucket`, over `local`; both are open.

    An upload in flight is in `local`, exactly as without object storage. A blob is complete when
    it is in object storage; until then all its bytes are received but one.

    Also implements `AdoptsUploads` and `LinksBlobs`. An asynchronous context.
    """

    def __init__(
        self,
        local: FilesystemBlobs,
        bucket: Bucket,
        names: Names,
        notes: Notes,
        scratch: Path,
        listener: BlobListener,
        *,
        links: Links | None = None,
        part_size: int = PART_SIZE,
        orphan_age: float = ORPHAN_AGE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`scratch` is a folder for temporary files. Without `links`, blobs have no URLs."""
        self._local = local
        self._bucket = bucket
        self._names = names
        self._notes = notes
        self._clock = clock
        self._links = links
        self._remote = RemoteBlobs(bucket, names, listener)
        self._copies = Copies(
            local, self._remote, bucket, names, notes, part_size=part_size, clock=clock
        )
        self._places = Places(local, self._remote, self._copies, notes, clock)
        self._reading = Reading(local, self._remote, self._copies, self._places)
        self._writing = Writing(local, self._remote, self._copies, self._places, self._reading)
        self._assembly = Assembly(
            local,
            self._remote,
            self._copies,
            self._places,
            self._reading,
            bucket,
            names,
            scratch,
            listener,
            part_size=part_size,
            clock=clock,
        )
        self._removal = Removal(
            local, self._remote, self._copies, bucket, names, notes, listener, clock
        )
        self._adoption = Adoption(local, self._remote, self._copies, bucket, names, notes)
        self._sweep = Sweep(self._remote, bucket, names, age=orphan_age, clock=clock)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._copies)
        await self._stack.enter_async_context(self._sweep)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def walk(self, kind: str) -> AsyncIterator[AsyncIterator[BlobActivity]]:
        """See the port."""
        found = walk(
            parse_kind(kind), self._local, self._bucket, self._names, self._notes, self._clock
        )
        async with aclosing(found):
            yield found

    @asynccontextmanager
    async def walk_here(self, kind: str) -> AsyncIterator[AsyncIterator[BlobActivity]]:
        """See `AdoptsUploads`."""
        async with aclosing(walk_here(parse_kind(kind), self._local)) as found:
            yield found

    def local_path(self, key: BlobKey) -> Path | None:
        """See the port. Complete blobs are not on this machine."""
        return None

    async def link(
        self, key: BlobKey, seconds: int, *, content_type: str, disposition: str
    ) -> str | None:
        """See `LinksBlobs`. Asks object storage whether the blob is there."""
        about = None if self._links is None else await self._remote.find(key)
        if self._links is None or about is None or about.data is None:
            return None
        return await self._links.sign(
            about.data, seconds, content_type=content_type, disposition=disposition
        )

    async def ping(self) -> None:
        """See the port."""
        await self._local.ping()
        await self._bucket.check(self._names.abouts())

    async def check_room(self) -> None:
        """See the port."""
        await self._local.check_room()

    async def hold(self, key: BlobKey, epoch: int) -> None:
        """See `AdoptsUploads`."""
        await self._adoption.hold(key, epoch)

    async def adopt(self, key: BlobKey, epoch: int) -> BlobInfo:
        """See `AdoptsUploads`."""
        about = await self._remote.find(key)
        if about is not None:
            return about.info()
        return await self._places.settled(self._adoption.adopt(key, epoch))

    async def abandon(self, key: BlobKey, epoch: int, *, deleted: bool = False) -> None:
        """See `AdoptsUploads`."""
        await self._adoption.abandon(key, epoch, deleted=deleted)

    async def sweep(self) -> None:
        """Remove orphans in object storage now; this also happens by itself."""
        await self._sweep.sweep()
