"""Read a blob while it is being received."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from shared.blobs.content import FilePart
from shared.errors import BlobNotFound, DigestMismatch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.blobs.blob import BlobKey
    from storage.filesystem.blob import Blob
    from storage.filesystem.reader import Reader

PART = 4 << 20
"""Bytes of the largest part of the file that is given to a follower at a time."""


def check_version(blob: Blob, version: str | None) -> None:
    """Raise unless the blob has this version; None is any.

    Raises DigestMismatch if the bytes of the version were discarded, and BlobNotFound if it is
    that of a blob that was deleted.
    """
    check_versions(blob.folder.meta.key, blob.version, version)


def check_versions(key: BlobKey, current: str, version: str | None) -> None:
    """Raise as `check_version` unless a blob of the version `current` is what is asked for."""
    if version in (None, current):
        return
    if version.rpartition("-")[0] == current.rpartition("-")[0]:
        raise DigestMismatch(f"blob {key}: the bytes of its version {version} were discarded")
    raise BlobNotFound(f"blob {key} of version {version} has been deleted")


async def growing_pieces(
    blob: Blob, reader: Reader, start: int, wait: float
) -> AsyncGenerator[bytes, None]:
    """Yield the bytes from `start` on that are received without a gap, as they arrive.

    `reader` has the data file open, and the blob stays loaded. Ends with the blob, or after `wait`
    seconds without a new byte. Raises as `Blob.check` for the generation that the blob has now.
    """
    async with aclosing(_growing_ranges(blob, start, wait)) as ranges:
        async for at, stop in ranges:
            async with aclosing(reader.pieces(at, stop)) as pieces:
                async for piece in pieces:
                    yield piece


async def growing_parts(
    blob: Blob, reader: Reader, start: int, wait: float
) -> AsyncGenerator[FilePart, None]:
    """Yield the same bytes as `growing_pieces`, as parts of the file of at most `PART` bytes."""
    generation = blob.generation
    async with aclosing(_growing_ranges(blob, start, wait)) as ranges:
        async for begin, stop in ranges:
            for at in range(begin, stop, PART):
                blob.check(generation)
                yield FilePart(reader, at, min(at + PART, stop))


async def _growing_ranges(
    blob: Blob, start: int, wait: float
) -> AsyncGenerator[tuple[int, int], None]:
    """Yield begin and end of what has been received, as it grows."""
    generation, at = blob.generation, start
    while True:
        blob.check(generation)
        stop = blob.received.prefix
        if at < stop:
            yield at, stop
            at = stop
        elif blob.complete:
            return
        else:
            try:
                async with asyncio.timeout(wait):
                    await blob.changed()
            except TimeoutError:
                return
