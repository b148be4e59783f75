"""Describe and read blobs."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from shared.blobs.content import FOLLOW_WAIT, Content, Growth, single_piece
from shared.blobs.gathering import GATHERED
from shared.errors import BlobIncomplete, ChunkOutOfBounds, StorageUnavailable
from storage.filesystem.growth import check_version, growing_parts, growing_pieces
from storage.filesystem.reader import Reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from shared.blobs.blob import BlobInfo, BlobKey
    from shared.blobs.listener import BlobListener
    from storage.filesystem.blob import Blob
    from storage.filesystem.blob_cache import BlobCache
    from storage.filesystem.disk import Disk


class Reading:
    """Reads blobs of `cache`, and reports to `listener`. `clock` returns Unix seconds."""

    def __init__(
        self, disk: Disk, cache: BlobCache, listener: BlobListener, clock: Callable[[], float]
    ) -> None:
        self._disk = disk
        self._cache = cache
        self._listener = listener
        self._clock = clock

    async def info(self, key: BlobKey) -> BlobInfo:
        """See `Blobs.info`."""
        async with self._cache.use(key) as blob:
            await self._disk.run(blob.folder.touch, self._clock())
            return blob.info()

    async def peek(self, key: BlobKey) -> BlobInfo:
        """See `Blobs.peek`."""
        async with self._cache.use(key) as blob:
            return blob.info()

    @asynccontextmanager
    async def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[Content]:
        """See `Blobs.open`. A blob deleted meanwhile stays readable to its end."""
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
        """See `Blobs.follow`."""
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
