"""Complete blobs in object storage: found, read, compared, removed."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from shared.blobs.content import Content, single_piece
from shared.blobs.gathering import GATHERED
from shared.blobs.socket_part import bytes_of
from shared.errors import BlobNotFound, ChunkOutOfBounds, StorageUnavailable
from storage.filesystem.comparison import bytes_differ, first_difference
from storage.s3.client import ObjectGone
from storage.s3.documents import About, Inflight

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

    from shared.blobs.blob import BlobKey
    from shared.blobs.listener import BlobListener
    from shared.blobs.socket_part import Piece
    from storage.s3.bucket import Bucket
    from storage.s3.names import Names

PIECE = 1 << 20
"""Bytes of a piece at most."""
KNOWN = 1000
"""Blobs whose descriptions are kept in memory, for readers."""
TRIES = 4
"""How often reading is begun anew without a byte in between."""


class RemoteBlobs:
    """Blobs in a bucket. Every method raises StorageUnavailable."""

    def __init__(self, bucket: Bucket, names: Names, listener: BlobListener) -> None:
        self._bucket = bucket
        self._names = names
        self._listener = listener
        self._known: OrderedDict[BlobKey, About] = OrderedDict()

    async def find(self, key: BlobKey) -> About | None:
        """Return what object storage says of a complete blob now; None if there is none."""
        try:
            about = About.decode(await self._bucket.get(self._names.about(key)))
        except ObjectGone:
            self._known.pop(key, None)
            return None
        self._remember(about)
        return about

    async def inflight(self, key: BlobKey) -> Inflight | None:
        """Return what object storage says of an upload in flight; None if it has no parts of it."""
        try:
            return Inflight.decode(await self._bucket.get(self._names.inflight(key)))
        except ObjectGone:
            return None

    async def known(self, key: BlobKey) -> About:
        """Return what is known of a complete blob, which may have been removed since.

        Raises BlobNotFound.
        """
        about = self._known.get(key) or await self.find(key)
        if about is None:
            raise BlobNotFound(f"there is no blob {key}")
        return about

    @asynccontextmanager
    async def open(self, about: About, start: int, stop: int | None) -> AsyncIterator[Content]:
        """See `Blobs.open`."""
        end = about.size if stop is None else stop
        if not 0 <= start <= end <= about.size:
            raise ChunkOutOfBounds(
                f"{start}..{end} is outside of the {about.size} bytes of blob {about.key}"
            )
        async with aclosing(self._counted(about, start, end)) as pieces:
            first = await anext(pieces, b"")  # so that entering tells whether the bytes are there
            if end - start < GATHERED:
                rest = b"".join([first] + [piece async for piece in pieces])
                yield Content(single_piece(rest), start, end)
                return
            async with aclosing(_after(first, pieces)) as whole:
                yield Content(whole, start, end)

    async def compare(self, about: About, offset: int, data: AsyncIterable[Piece]) -> None:
        """Read `data`, which has to be the bytes of the blob from `offset` on.

        Raises ChunkOutOfBounds, BytesDiffer.
        """
        at = offset
        if not 0 <= offset <= about.size:
            raise ChunkOutOfBounds(f"offset {offset} is outside of the blob's {about.size} bytes")
        stored = _Buffered(self.pieces(about, offset, about.size))
        async with aclosing(stored):
            async for piece in data:
                content = bytes_of(piece)
                if at + len(content) > about.size:
                    raise ChunkOutOfBounds(
                        f"bytes {at}..{at + len(content)} are outside of the blob's "
                        f"{about.size} bytes"
                    )
                own = await stored.take(len(content))
                if own != content:
                    raise bytes_differ(at + first_difference(own, content))
                at += len(content)

    async def pieces(self, about: About, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes `start..stop`. Raises BlobNotFound if they were removed."""
        if about.data is None:
            return
        async with aclosing(self.object_pieces(about.data, start, stop)) as pieces:
            try:
                async for piece in pieces:
                    yield piece
            except ObjectGone as error:
                self._known.pop(about.key, None)
                raise BlobNotFound(f"blob {about.key} has been deleted") from error

    async def object_pieces(self, name: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes `start..stop` of an object. Raises ObjectGone if it is not there.

        Continues on another connection where one was lost.
        """
        at, failures = start, 0
        while at < stop:
            begun = at
            try:
                async with self._bucket.read(name, at, stop) as body:
                    while at < stop:
                        piece = await self._bucket.take(body, min(PIECE, stop - at))
                        at += len(piece)
                        yield piece
            except StorageUnavailable:
                failures = 1 if at > begun else failures + 1
                if failures >= TRIES:
                    raise

    async def remove(self, about: About) -> None:
        """Remove a blob. If this fails in the middle, the blob is gone, and its bytes are not."""
        await self._bucket.delete(self._names.about(about.key))
        self._known.pop(about.key, None)
        if about.data is not None:
            await self._bucket.delete(about.data)

    def add(self, about: About) -> None:
        """Remember a blob that was just stored."""
        self._remember(about)

    async def _counted(self, about: About, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        count = 0
        try:
            async with aclosing(self.pieces(about, start, stop)) as pieces:
                async for piece in pieces:
                    count += len(piece)
                    yield piece
        finally:
            self._listener.bytes_read(about.key, count)

    def _remember(self, about: About) -> None:
        self._known[about.key] = about
        self._known.move_to_end(about.key)
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)


class _Buffered:
    """Takes any number of bytes from pieces of any size."""

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        self._pieces = pieces
        self._rest = bytearray()

    async def take(self, count: int) -> bytes:
        while len(self._rest) < count:
            piece = await anext(self._pieces, b"")
            if not piece:
                raise StorageUnavailable("object storage has fewer bytes than it should")
            self._rest += piece
        taken = bytes(self._rest[:count])
        del self._rest[:count]
        return taken

    async def aclose(self) -> None:
        await self._pieces.aclose()


async def _after(first: bytes, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    yield first
    async for piece in pieces:
        yield piece
