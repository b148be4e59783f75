"""The Blobs port on object storage, over a folder of this machine for what is in flight."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Self, TypeVar

from shared.blobs.blob import AppendLease, BlobInfo, Declaration, parse_kind
from shared.blobs.byte_ranges import RangeSet
from shared.blobs.content import FOLLOW_WAIT, Growth
from shared.errors import (
    BlobConflict,
    BlobIncomplete,
    BlobNotFound,
    ChunkOutOfBounds,
    InvalidInput,
    StorageUnavailable,
)
from storage.filesystem.growth import check_versions
from storage.filesystem.meta import check_declaration
from storage.s3.adoption import Adoption
from storage.s3.assembly import assemble
from storage.s3.bucket import ObjectGone
from storage.s3.copies import Copies
from storage.s3.remote import RemoteBlobs
from storage.s3.sweep import Sweep
from storage.s3.walk import walk, walk_here

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

    from shared.blobs.blob import Admit, BlobActivity, BlobKey
    from shared.blobs.content import Content
    from shared.blobs.listener import BlobListener
    from shared.blobs.socket_part import Piece
    from storage.filesystem.blobs import FilesystemBlobs
    from storage.s3.bucket import Bucket
    from storage.s3.documents import About
    from storage.s3.names import Names
    from storage.s3.notes import Notes

T = TypeVar("T")

PART_SIZE = 16 << 20
"""Bytes of a part, if the blob is not so large that its parts must be larger."""
ORPHAN_AGE = 86_400.0
"""Seconds after which what no blob names in object storage is removed."""

log = logging.getLogger(__name__)


class S3Blobs:
    """Implements `shared.ports.Blobs` in `bucket`, over `local`; both are open.

    An upload in flight is in `local`, exactly as without object storage. A blob is complete when
    it is in object storage; until then all its bytes are received but one.

    Also implements `AdoptsUploads`. An asynchronous context.
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
        part_size: int = PART_SIZE,
        orphan_age: float = ORPHAN_AGE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`scratch` is a folder for temporary files."""
        self._local = local
        self._bucket = bucket
        self._names = names
        self._notes = notes
        self._scratch = scratch
        self._listener = listener
        self._part_size = part_size
        self._clock = clock
        self._tokens = count(time.time_ns())
        self._remote = RemoteBlobs(bucket, names, listener)
        self._copies = Copies(
            local, self._remote, bucket, names, notes, part_size=part_size, clock=clock
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

    async def create(
        self,
        key: BlobKey,
        size: int | None,
        *,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlobInfo:
        """See the port."""
        declaration = Declaration(size, sha256, dict(metadata or {}))
        about = await self._created(key, declaration)
        if about is not None:
            return about.info()
        info = await self.info(key)
        _check_conflict(info, declaration)
        return info

    async def declare_size(self, key: BlobKey, size: int) -> BlobInfo:
        """See the port."""

        async def remote() -> BlobInfo:
            check_declaration(size, None, {})
            about = await self._found(key)
            if about.size != size:
                raise BlobConflict(f"blob {key} has {about.size} bytes, not {size}")
            return about.info()

        return await self._somewhere(
            key, lambda: self._settled(self._local.declare_size(key, size)), remote
        )

    async def write(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[Piece],
        *,
        declaration: Declaration | None = None,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """See the port."""
        if declaration is not None:
            about = await self._created(key, declaration)
            if about is not None:
                return await self._compare(key, offset, data, admit)
            _check_conflict(await self.peek(key), declaration)

        async def local() -> BlobInfo:
            return await self._settled(self._local.write(key, offset, data, admit=_shown_to(admit)))

        async with self._copying(key):
            return await self._somewhere(
                key, local, lambda: self._compare(key, offset, data, admit)
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

        async def local() -> BlobInfo:
            return await self._settled(
                self._local.append(
                    key, offset, data, token=token, whole=whole, admit=_shown_to(admit)
                )
            )

        async with self._copying(key):
            return await self._somewhere(
                key, local, lambda: self._compare(key, offset, data, admit)
            )

    async def lease_append(self, key: BlobKey) -> AppendLease:
        """See the port."""

        async def local() -> AppendLease:
            lease = await self._local.lease_append(key)
            return AppendLease(_shown(lease.blob), lease.token)

        async def remote() -> AppendLease:
            return AppendLease((await self._found(key)).info(), next(self._tokens))

        return await self._somewhere(key, local, remote)

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """See the port."""
        if not parts or key in parts:
            raise InvalidInput("a blob is assembled from one or more other blobs", field="parts")
        complete = [await self._complete_part(part) for part in parts]
        if await self._local.exists(key):
            return await self.info(key)
        about = await self._remote.find(key)
        if about is None:
            about = await assemble(
                key,
                complete,
                dict(metadata or {}),
                self._remote,
                self._bucket,
                self._names,
                self._scratch,
                part_size=self._part_size,
                clock=self._clock,
                lock=self._copies.lock(key),
            )
            self._listener.blob_changed(key, "begun")
            await self._use(key)
        return about.info()

    async def info(self, key: BlobKey) -> BlobInfo:
        """See the port."""

        async def remote() -> BlobInfo:
            return (await self._found(key)).info()

        return await self._somewhere(
            key, lambda: self._settled_or_shown(self._local.info(key)), remote
        )

    async def peek(self, key: BlobKey) -> BlobInfo:
        """See the port."""

        async def remote() -> BlobInfo:
            return (await self._found(key, use=False)).info()

        return await self._somewhere(
            key, lambda: self._settled_or_shown(self._local.peek(key)), remote
        )

    @asynccontextmanager
    async def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[Content]:
        """See the port."""
        async with AsyncExitStack() as stack:
            content = None
            if await self._local.exists(key):
                try:
                    content = await stack.enter_async_context(self._local.open(key, start, stop))
                except BlobNotFound:
                    log.debug("blob %s is in object storage since", key)
            if content is None:
                content = await self._open_remote(stack, key, start, stop)
            yield content

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
            growth = None
            if await self._local.exists(key):
                try:
                    if (await self._local.peek(key)).complete:
                        await self._wait_until_stored(key, wait)
                    growth = await stack.enter_async_context(
                        self._local.follow(key, start, version=version, wait=wait)
                    )
                except BlobNotFound:
                    if await self._local.exists(key):
                        raise
            if growth is None:
                about = await self._remote.known(key)
                check_versions(key, about.version, version)
                if not 0 <= start <= about.size:
                    raise ChunkOutOfBounds(f"blob {key} has {about.size} bytes, not {start}")
                pieces = self._remote.pieces(about, start, about.size)
                await stack.enter_async_context(aclosing(pieces))
                growth = Growth(pieces, start, about.version)
            yield growth

    async def delete(self, key: BlobKey) -> None:
        """See the port."""
        await self._copies.drop(key)
        async with self._copies.lock(key):
            await self._local.delete(key)
            about = await self._remote.find(key)
            if about is not None:
                await self._remote.remove(about)
                self._listener.blob_changed(key, "removed")
            await asyncio.to_thread(self._notes.forget, key)

    async def expire(self, key: BlobKey, *, idle_for: float, used: float | None = None) -> bool:
        """See the port."""
        if not 0 <= idle_for < math.inf:
            raise InvalidInput(f"idle_for {idle_for} is not a number of seconds", field="idle_for")
        async with self._copies.lock(key):
            if await self._local.exists(key):
                expired = await self._local.expire(key, idle_for=idle_for, used=used)
            else:
                return await self._expire_remote(key, idle_for, used)
        if expired:
            await self._copies.drop(key)
            await asyncio.to_thread(self._notes.forget, key)
        return expired

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

    async def ping(self) -> None:
        """See the port."""
        await self._local.ping()
        await self._bucket.check(self._names.about(""))

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
        return await self._settled(self._adoption.adopt(key, epoch))

    async def abandon(self, key: BlobKey, epoch: int) -> None:
        """See `AdoptsUploads`."""
        await self._adoption.abandon(key, epoch)

    async def sweep(self) -> None:
        """Remove orphans in object storage now; this also happens by itself."""
        await self._sweep.sweep()

    async def _created(self, key: BlobKey, declaration: Declaration) -> About | None:
        """Create the blob here, unless it is anywhere; return it if it is in object storage."""
        size, sha256, metadata = declaration.size, declaration.sha256, dict(declaration.metadata)
        check_declaration(size, sha256, metadata)
        async with self._copies.lock(key):
            if await self._local.exists(key):
                return None
            about = await self._remote.find(key)
            if about is None:
                await self._local.create(key, size, sha256=sha256, metadata=metadata)
                return None
            await self._use(key)
        _check_conflict(about.info(), declaration)
        return about

    async def _found(self, key: BlobKey, *, use: bool = True) -> About:
        """Return a blob in object storage, and count that as a use. Raises BlobNotFound."""
        if not use:
            about = await self._remote.find(key)
        else:
            async with self._copies.lock(key):
                about = await self._remote.find(key)
                if about is not None:
                    await self._use(key)
        if about is None:
            raise BlobNotFound(f"there is no blob {key}")
        return about

    async def _somewhere(
        self, key: BlobKey, local: Callable[[], Awaitable[T]], remote: Callable[[], Awaitable[T]]
    ) -> T:
        """Do something with a blob where it is. Raises BlobNotFound."""
        if await self._local.exists(key):
            try:
                return await local()
            except BlobNotFound:
                if await self._local.exists(key):
                    raise
        return await remote()

    async def _compare(
        self, key: BlobKey, offset: int, data: AsyncIterable[Piece], admit: Admit | None
    ) -> BlobInfo:
        """Take a chunk of a blob that is complete: its bytes have to be those that are there."""
        about = await self._found(key)
        try:
            if admit is not None:
                await admit(about.info())
            await self._remote.compare(about, offset, data)
            return about.info()
        finally:
            await self._use(key)

    async def _settled(self, work: Awaitable[BlobInfo]) -> BlobInfo:
        """Do something with a local blob; if that completes it, store it."""
        blob = await work
        if not blob.complete:
            return blob
        return (await self._copies.store(blob.key)).info()

    async def _settled_or_shown(self, work: Awaitable[BlobInfo]) -> BlobInfo:
        """Describe a local blob. An empty one has no byte that could be missing: it is stored."""
        blob = await work
        if blob.complete and not blob.size:
            return (await self._copies.store(blob.key)).info()
        return _shown(blob)

    @asynccontextmanager
    async def _copying(self, key: BlobKey) -> AsyncIterator[None]:
        """Copy the blob while bytes arrive in the context, if it is here."""
        if await self._local.exists(key):
            try:
                self._copies.begin(await self._local.peek(key))
            except BlobNotFound:
                log.debug("blob %s is in object storage since", key)
        yield

    async def _wait_until_stored(self, key: BlobKey, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._copies.store(key)
        except (TimeoutError, StorageUnavailable, BlobNotFound) as error:
            log.debug("blob %s is not stored yet: %s", key, error)

    async def _open_remote(
        self, stack: AsyncExitStack, key: BlobKey, start: int, stop: int | None
    ) -> Content:
        about = await self._remote.known(key)
        try:
            return await stack.enter_async_context(self._remote.open(about, start, stop))
        except BlobNotFound:  # it may have been removed, and created again
            about = await self._found(key, use=False)
            return await stack.enter_async_context(self._remote.open(about, start, stop))

    async def _complete_part(self, key: BlobKey) -> About:
        if await self._local.exists(key):
            if not (await self._local.info(key)).complete:
                raise BlobIncomplete(f"blob {key} is not complete")
            return await self._copies.store(key)
        return await self._found(key)

    async def _expire_remote(self, key: BlobKey, idle_for: float, used: float | None) -> bool:
        last = await self._last_use(key)
        if last is None or used not in (None, last):
            return False
        if max(0.0, self._clock() - last) < idle_for:
            return False
        about = await self._remote.find(key)
        if about is not None:
            await self._remote.remove(about)
        await self._copies.drop(key)
        await asyncio.to_thread(self._notes.forget, key)
        self._listener.blob_changed(key, "expired")
        return True

    async def _last_use(self, key: BlobKey) -> float | None:
        """Return the last use of a blob that is not here; None if it is nowhere."""
        for name in (self._names.about(key), self._names.inflight(key)):
            try:
                written = await self._bucket.modified(name)
            except ObjectGone:
                continue
            noted = await asyncio.to_thread(self._notes.last_use, key)
            return math.floor(written) if noted is None else noted
        return None

    async def _use(self, key: BlobKey) -> None:
        await asyncio.to_thread(self._notes.use, key, self._clock())


def _shown(blob: BlobInfo) -> BlobInfo:
    """Describe a local blob that has all its bytes: the last one counts when it is stored."""
    if not blob.complete or not blob.size:
        return blob
    return BlobInfo(
        blob.key,
        blob.size,
        blob.received.without(RangeSet.of([(blob.size - 1, blob.size)])),
        blob.sha256,
        blob.metadata,
        None,
        blob.version,
    )


def _shown_to(admit: Admit | None) -> Admit | None:
    if admit is None:
        return None
    admitted = admit

    async def show(blob: BlobInfo) -> None:
        await admitted(_shown(blob))

    return show


def _check_conflict(info: BlobInfo, declaration: Declaration) -> None:
    size, sha256 = declaration.size, declaration.sha256
    if size is not None and info.size != size:
        raise BlobConflict(f"blob {info.key} exists with {info.size} bytes, not {size}")
    if sha256 is not None and info.sha256 != sha256:
        raise BlobConflict(
            f"blob {info.key} exists with digest {info.sha256 or 'undeclared'}, not {sha256}"
        )
