"""Create blobs and write their bytes."""

from __future__ import annotations

import logging
import os
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from shared.blobs.blob import AppendLease, Declaration
from shared.blobs.gathering import Gathering
from shared.blobs.layout import blob_folder
from shared.errors import BlobIncomplete, InvalidInput
from storage.filesystem.appender import Appender
from storage.filesystem.assembly import assemble_folder
from storage.filesystem.atomic_folders import create_blob_folder
from storage.filesystem.chunk_writer import ChunkWriter
from storage.filesystem.disk import uninterrupted
from storage.filesystem.meta import check_conflict, check_declaration, new_meta
from storage.filesystem.whole_blobs import is_gathered

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from shared.blobs.blob import Admit, BlobInfo, BlobKey
    from shared.blobs.listener import BlobListener
    from shared.blobs.socket_part import Piece
    from storage.filesystem.blob import Blob
    from storage.filesystem.blob_cache import BlobCache
    from storage.filesystem.disk import Disk
    from storage.filesystem.meta import Meta
    from storage.filesystem.reading import Reading
    from storage.filesystem.reserve import Reserve
    from storage.filesystem.root import RootFolder
    from storage.filesystem.whole_blobs import WholeBlobs

log = logging.getLogger(__name__)


class Writing:
    """Writes blobs in the folder `root` as far as `reserve` permits.

    `whole` creates small ones, and `reading` describes them. `tokens` are those of the leases to
    append, and increase. Reports to `listener`. `clock` returns Unix seconds.
    """

    def __init__(
        self,
        root: RootFolder,
        disk: Disk,
        cache: BlobCache,
        reading: Reading,
        whole: WholeBlobs,
        reserve: Reserve,
        tokens: Iterator[int],
        listener: BlobListener,
        clock: Callable[[], float],
        *,
        fsync: bool,
    ) -> None:
        self._root = root
        self._disk = disk
        self._cache = cache
        self._reading = reading
        self._whole = whole
        self._reserve = reserve
        self._tokens = tokens
        self._listener = listener
        self._clock = clock
        self._fsync = fsync

    async def create(
        self,
        key: BlobKey,
        size: int | None,
        *,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlobInfo:
        """See `Blobs.create`. Raises InvalidInput if the size, digest or metadata is invalid.

        An empty blob is complete immediately: raises DigestMismatch if `sha256` is not that of
        no bytes.
        """
        self._reserve.check(key)
        declaration = Declaration(size, sha256, dict(metadata or {}))
        await self._create(key, declaration)
        info = await self._reading.info(key)
        check_conflict(info, declaration)
        return info

    async def declare_size(self, key: BlobKey, size: int) -> BlobInfo:
        """See `Blobs.declare_size`. Raises InvalidInput if the size is invalid."""
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
        """See `Blobs.write`."""
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
        """See `Blobs.append`."""
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
        """See `Blobs.lease_append`."""
        async with self._cache.use(key) as blob:
            token = next(self._tokens)
            await blob.append_leases.grant(token)
            await self._disk.run(blob.folder.touch, self._clock())
            return AppendLease(blob.info(), token)

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """See `Blobs.assemble`.

        Also raises InvalidInput if the metadata or the total size is invalid.
        """
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
        return await self._reading.info(key)

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
                check_conflict(blob.info(), declaration)
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

    def _create_if_absent(self, path: Path, meta: Meta) -> bool:
        if path.exists():
            # While the lock is held: otherwise the blob could expire before its creator uses it.
            os.utime(path, (self._clock(),) * 2)
            return False
        with self._reserve.promised(meta.key, meta.size):
            create_blob_folder(path, self._root.staging_path(), meta, fsync=self._fsync)
        return True


def _complete_size(blob: Blob) -> int:
    info = blob.info()
    if info.size is None or not info.complete:
        raise BlobIncomplete(f"blob {info.key} is not complete")
    return info.size
