"""The Blobs port on a folder of this machine."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import shutil
import time
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Self

from shared.blobs.blob import AppendLease, Declaration, parse_kind
from shared.blobs.content import FOLLOW_WAIT, Content, Growth, single_piece
from shared.blobs.gathering import GATHERED, Gathering
from shared.blobs.layout import blob_folder, complete_data
from shared.blobs.listener import NullBlobListener
from shared.errors import (
    BlobConflict,
    BlobIncomplete,
    ChunkOutOfBounds,
    CsvmillError,
    InvalidInput,
    StorageUnavailable,
)
from storage.filesystem.appender import Appender
from storage.filesystem.assembly import assemble_folder
from storage.filesystem.atomic_folders import create_blob_folder, trash_folder
from storage.filesystem.blob_cache import BlobCache
from storage.filesystem.chunk_writer import ChunkWriter
from storage.filesystem.disk import Disk, uninterrupted
from storage.filesystem.growth import check_version, growing_parts, growing_pieces
from storage.filesystem.meta import check_declaration, new_meta
from storage.filesystem.reader import Reader
from storage.filesystem.reserve import Reserve
from storage.filesystem.root import RootFolder
from storage.filesystem.walk import last_use, walk
from storage.filesystem.whole_blobs import WholeBlobs, is_gathered

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from shared.blobs.blob import Admit, BlobActivity, BlobInfo, BlobKey
    from shared.blobs.listener import BlobListener
    from shared.blobs.socket_part import Piece
    from storage.filesystem.blob import Blob
    from storage.filesystem.meta import Meta

THREADS = 8
MOVERS = 4
"""Threads that move large bodies from sockets into files. Bodies beyond these are read and written
by the others."""
IDLE_BLOBS = 128
"""Unused blobs that stay loaded. Each holds a file descriptor."""

log = logging.getLogger(__name__)


class FilesystemBlobs:
    """Implements `shared.ports.Blobs` in the folder `root`, which one process may use at a time.

    An asynchronous context: entering creates the folder if needed, locks it, and removes what a
    crash left half created or half deleted. With `fsync`, what the port calls durable survives a
    power loss; without, only a crash of the process. Reports to `listener`. `clock` returns Unix
    seconds. `reserve` bytes of the disk are kept free of uploads (None: the default).

    Memory: a chunk being received takes at most two batches of 1 MiB (each plus less than one
    piece of its data), a reader two pieces of 1 MiB. Parts of sockets take a buffer of each thread.
    """

    def __init__(
        self,
        root: Path,
        fsync: bool = True,
        *,
        listener: BlobListener | None = None,
        idle_blobs: int = IDLE_BLOBS,
        clock: Callable[[], float] = time.time,
        reserve: int | None = 0,
    ) -> None:
        self._root = RootFolder(root, fsync=fsync)
        self._reserve = Reserve(root, reserve)
        self._clock = clock
        self._fsync = fsync
        self._listener = listener or NullBlobListener()
        self._idle_blobs = idle_blobs
        # Higher than the tokens of earlier processes, unless the clock was set back.
        self._tokens = count(time.time_ns())
        self._disk: Disk
        self._cache: BlobCache
        self._whole: WholeBlobs

    async def __aenter__(self) -> Self:
        """Raises StorageUnavailable if another process uses the folder, or it is unusable."""
        self._disk = Disk(threads=THREADS, movers=MOVERS)
        self._cache = BlobCache(
            self._root.path, self._disk, fsync=self._fsync, idle=self._idle_blobs, clock=self._clock
        )
        self._whole = WholeBlobs(
            self._root, self._disk, self._cache, self._listener, self._clock, fsync=self._fsync
        )
        try:
            await self._disk.run(self._root.open)
            if self._reserve.keeps:
                self._disk.submit(self._reserve.promises.find)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._cache.close()
        await self._disk.close()
        await asyncio.to_thread(self._root.close)

    async def create(
        self,
        key: BlobKey,
        size: int | None,
        *,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlobInfo:
        """See the port. Raises InvalidInput if the size, digest or metadata is invalid.

        An empty blob is complete immediately: raises DigestMismatch if `sha256` is not that of
        no bytes.
        """
        self._reserve.check(key)
        declaration = Declaration(size, sha256, dict(metadata or {}))
        await self._create(key, declaration)
        info = await self.info(key)
        _check_conflict(info, declaration)
        return info

    async def declare_size(self, key: BlobKey, size: int) -> BlobInfo:
        """See the port. Raises InvalidInput if the size is invalid."""
        check_declaration(size, None, {})
        async with self._cache.use(key) as blob:
            if blob.size is None:
                await self._disk.run(self._reserve.promise, key, size)
            try:
                await blob.declare_size(size)
            except BaseException:
                if blob.size is None:
                    self._reserve.promises.remove(key)
                raise
            await self._disk.run(blob.folder.touch, self._clock())
            return blob.info()

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
        self._reserve.check(key)
        if declaration is not None and offset == 0 and is_gathered(declaration, data):
            async with Gathering(data, declaration.size or 0) as gathering:
                try:
                    admitted, whole = await self._whole.write(key, gathering, declaration, admit)
                except BaseException:
                    # The blob exists, whatever becomes of the chunk.
                    await uninterrupted(self._create(key, declaration))
                    raise
                if whole is not None:
                    return whole
                admit = None if admitted else admit
                return await self._write(key, 0, gathering.pieces(), declaration, admit)
        return await self._write(key, offset, data, declaration, admit)

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
        self._reserve.check(key)
        async with self._used(key) as blob:
            if token is None:
                token = next(self._tokens)
                await blob.append_leases.grant(token)
            if admit is not None:
                await admit(blob.info())
            with blob.append_leases.append(token) as append:
                async with aclosing(append.pieces(data)) as pieces:
                    if whole:
                        return await self._write_chunk(blob, offset, pieces)
                    appender = Appender(
                        blob,
                        self._disk,
                        self._root.staging,
                        pieces,
                        check=partial(self._reserve.check, key),
                    )
                    try:
                        return await appender.append(offset)
                    finally:
                        if appender.recorded:
                            self._listener.chunk_stored(key, appender.recorded)

    async def lease_append(self, key: BlobKey) -> AppendLease:
        """See the port."""
        async with self._cache.use(key) as blob:
            token = next(self._tokens)
            await blob.append_leases.grant(token)
            await self._disk.run(blob.folder.touch, self._clock())
            return AppendLease(blob.info(), token)

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """See the port. Also raises InvalidInput if the metadata or the total size is invalid."""
        if not parts or key in parts:
            raise InvalidInput("a blob is assembled from one or more other blobs", field="parts")
        self._reserve.check(key)
        async with AsyncExitStack() as used:
            blobs = [await used.enter_async_context(self._cache.use(part)) for part in parts]
            sizes = [_complete_size(blob) for blob in blobs]
            description = dict(metadata or {})
            check_declaration(sum(sizes), None, description)
            await self._disk.run(self._reserve.check_size, key, sum(sizes))
            path = blob_folder(self._root.path, key)
            async with self._cache.lock(key):
                if not await self._disk.run(path.exists):
                    await assemble_folder(
                        path,
                        self._root.staging_path(),
                        new_meta(key, sum(sizes), None, description),
                        [
                            (partial(blob.folder.open_data, blob.generation), size)
                            for blob, size in zip(blobs, sizes, strict=True)
                        ],
                        self._disk,
                        fsync=self._fsync,
                    )
                    self._listener.blob_changed(key, "begun")
                    log.info(
                        "blob %s is complete: %d bytes from %d parts", key, sum(sizes), len(parts)
                    )
        return await self.info(key)

    async def info(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        async with self._cache.use(key) as blob:
            await self._disk.run(blob.folder.touch, self._clock())
            return blob.info()

    async def peek(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        async with self._cache.use(key) as blob:
            return blob.info()

    @asynccontextmanager
    async def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[Content]:
        """See the port. A blob deleted meanwhile stays readable to its end."""
        async with Reader(self._disk) as reader:
            async with self._cache.use(key) as blob:
                end = _checked_end(blob, start, stop)
                open_data = partial(blob.folder.open_data, blob.generation)
                try:
                    if end - start < GATHERED:
                        small = await reader.read(open_data, start, end)
                    else:
                        small = None
                        await reader.open(open_data)
                except StorageUnavailable as error:
                    if isinstance(error.__cause__, FileNotFoundError):
                        blob.fail(error)
                    raise
            try:
                if small is not None:
                    yield Content(single_piece(small), start, end)
                    return
                async with aclosing(reader.pieces(start, end)) as pieces:
                    yield Content(pieces, start, end, reader)
            finally:
                self._listener.bytes_read(key, reader.consumed)

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
        async with Reader(self._disk) as reader, self._cache.watch(key) as blob:
            blob.check()
            check_version(blob, version)
            if not 0 <= start <= blob.received.prefix:
                raise ChunkOutOfBounds(
                    f"blob {key}: of its bytes, {blob.received.prefix} have been received without "
                    f"a gap, not {start}"
                )
            await reader.open(partial(blob.folder.open_data, blob.generation))
            try:
                async with (
                    aclosing(growing_pieces(blob, reader, start, wait)) as pieces,
                    aclosing(growing_parts(blob, reader, start, wait)) as parts,
                ):
                    yield Growth(pieces, start, blob.version, parts, reader.inode())
            finally:
                self._listener.bytes_read(key, reader.consumed)

    async def delete(self, key: BlobKey) -> None:
        """See the port."""
        async with self._cache.lock(key):
            trash = await uninterrupted(self._remove(key))
        if trash is not None:
            self._listener.blob_changed(key, "removed")
            await self._disk.run(shutil.rmtree, trash)

    async def expire(self, key: BlobKey, *, idle_for: float, used: float | None = None) -> bool:
        """See the port. Raises InvalidInput unless `idle_for` is finite and not negative."""
        if not 0 <= idle_for < math.inf:
            raise InvalidInput(f"idle_for {idle_for} is not a number of seconds", field="idle_for")
        path = blob_folder(self._root.path, key)
        async with self._cache.lock(key):
            if self._cache.in_use(key):
                return False
            last = await self._disk.run(last_use, path)
            if last is None or used not in (None, last):
                return False
            if max(0.0, self._clock() - last) < idle_for:
                return False
            trash = await uninterrupted(self._remove(key))
        if trash is None:
            return False
        self._listener.blob_changed(key, "expired")
        await self._disk.run(shutil.rmtree, trash)
        return True

    @asynccontextmanager
    async def walk(self, kind: str) -> AsyncIterator[AsyncIterator[BlobActivity]]:
        """See the port. Raises InvalidInput if `kind` is invalid."""
        folder = self._root.path / parse_kind(kind)
        async with aclosing(walk(folder, self._disk, self._clock)) as found:
            yield found

    async def exists(self, key: BlobKey) -> bool:
        """Whether there is a blob with this key."""
        return self._cache.loaded(key) or await self._disk.run(self._folder(key).exists)

    @asynccontextmanager
    async def file(self, key: BlobKey, version: str) -> AsyncIterator[int]:
        """The descriptor of the file with the bytes of a version, while the context is open.

        Raises as `follow`.
        """
        async with Reader(self._disk) as reader:
            async with self._cache.use(key) as blob:
                check_version(blob, version)
                await reader.open(partial(blob.folder.open_data, blob.generation))
            yield reader.descriptor

    async def release(self, key: BlobKey) -> None:
        """Remove a complete blob, of which there is a copy elsewhere now.

        Those who read it, or compare bytes with it, do so to the end.
        """
        trash = self._root.trash_path()
        async with self._cache.lock(key):
            await uninterrupted(self._release(key, trash))

    def local_path(self, key: BlobKey) -> Path | None:
        """See the port."""
        return complete_data(self._root.path, key)

    async def ping(self) -> None:
        """See the port. Checks that a file can be created among the blobs."""
        try:
            await self._disk.run(self._root.probe)
        except StorageUnavailable:
            raise
        except CsvmillError as error:
            raise StorageUnavailable(str(error)) from error

    def promised(self) -> int:
        """Return the bytes that are kept free for what uploads have declared; blocks."""
        return self._reserve.promises.measure()

    async def check_room(self) -> None:
        """See the port."""
        await self._disk.run(self._reserve.check_uploads)

    @asynccontextmanager
    async def _used(self, key: BlobKey) -> AsyncIterator[Blob]:
        """The blob, which is touched when the context is left."""
        async with self._cache.use(key) as blob:
            try:
                yield blob
            finally:
                await self._disk.run(blob.folder.touch, self._clock())

    async def _write(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[Piece],
        declaration: Declaration | None,
        admit: Admit | None,
    ) -> BlobInfo:
        if declaration is not None:
            await self._create(key, declaration)
        async with self._used(key) as blob:
            if declaration is not None:
                _check_conflict(blob.info(), declaration)
            if admit is not None:
                await admit(blob.info())
            return await self._write_chunk(blob, offset, data)

    async def _create(self, key: BlobKey, declaration: Declaration) -> None:
        """Create the blob unless it exists."""
        size, sha256, metadata = declaration.size, declaration.sha256, dict(declaration.metadata)
        check_declaration(size, sha256, metadata)
        async with self._cache.lock(key):
            meta = new_meta(key, size, sha256, metadata)
            path = blob_folder(self._root.path, key)
            if await self._disk.run(self._create_if_absent, path, meta):
                self._listener.blob_changed(key, "begun")
                log.info("blob %s is created: %s bytes", key, "unknown" if size is None else size)

    async def _write_chunk(self, blob: Blob, offset: int, data: AsyncIterable[Piece]) -> BlobInfo:
        async with ChunkWriter(blob, self._disk, offset, self._root.staging) as writer:
            await writer.receive(data)
            info = await writer.commit()
        if writer.received:
            self._listener.chunk_stored(info.key, writer.received)
        return info

    async def _release(self, key: BlobKey, trash: Path) -> None:
        found = await self._disk.run(self._trash, key, self._folder(key), trash)
        self._reserve.promises.remove(key)
        if found:
            remove = partial(shutil.rmtree, trash, ignore_errors=True)
            self._cache.detach(key, partial(self._disk.submit, remove))

    def _folder(self, key: BlobKey) -> Path:
        return blob_folder(self._root.path, key)

    async def _remove(self, key: BlobKey) -> Path | None:
        """Move the blob to the trash and return its path there; None if there is none.

        Call with the lock of `key` held.
        """
        trash = self._root.trash_path()
        path = blob_folder(self._root.path, key)
        found = await self._disk.run(self._trash, key, path, trash)
        self._cache.forget(key)
        self._reserve.promises.remove(key)
        return trash if found else None

    def _trash(self, key: BlobKey, path: Path, trash: Path) -> bool:
        if self._root.log is not None:
            self._root.log.remove(key)
        return trash_folder(path, trash, fsync=self._fsync)

    def _create_if_absent(self, path: Path, meta: Meta) -> bool:
        if path.exists():
            # While the lock is held: otherwise the blob could expire before its creator uses it.
            os.utime(path, (self._clock(),) * 2)
            return False
        with self._reserve.promised(meta.key, meta.size):
            create_blob_folder(path, self._root.staging_path(), meta, fsync=self._fsync)
        return True


def _checked_end(blob: Blob, start: int, stop: int | None) -> int:
    """Return where the interval ends. Raises as `Blobs.open`."""
    key = blob.folder.meta.key
    if stop is None and blob.size is None:
        raise BlobIncomplete(f"blob {key}: its size has not been declared")
    end = blob.limit if stop is None else stop
    if not 0 <= start <= end <= blob.limit:
        raise ChunkOutOfBounds(f"{start}..{end} is outside of the {blob.limit} bytes of blob {key}")
    if missing := blob.received.missing(start, end):
        first = missing[0]
        raise BlobIncomplete(
            f"blob {key}: bytes {first.start}..{first.stop} have not been received"
        )
    return end


def _complete_size(blob: Blob) -> int:
    info = blob.info()
    if info.size is None or not info.complete:
        raise BlobIncomplete(f"blob {info.key} is not complete")
    return info.size


def _check_conflict(info: BlobInfo, declaration: Declaration) -> None:
    size, sha256 = declaration.size, declaration.sha256
    if size is not None and info.size != size:
        raise BlobConflict(f"blob {info.key} exists with {info.size} bytes, not {size}")
    if sha256 is not None and info.sha256 != sha256:
        raise BlobConflict(
            f"blob {info.key} exists with digest {info.sha256 or 'undeclared'}, not {sha256}"
        )
