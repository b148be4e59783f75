"""Keys, contents and sources of chunks."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING
from uuid import UUID

from shared.blobs.blob import upload_key
from shared.blobs.byte_ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


KEY = upload_key(UUID(int=1))
MIB = 1 << 20


def ranges(*pairs: tuple[int, int]) -> RangeSet:
    return RangeSet.of(pairs)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class SourceLost(Exception):
    """Raised by the source of a chunk whose sender has disconnected."""


async def breaking(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    raise SourceLost


class Gated:
    """A chunk that pauses after its first piece until `resume` is set."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.paused = asyncio.Event()
        self.resume = asyncio.Event()
        self.broken = False

    async def stream(self) -> AsyncIterator[bytes]:
        yield self.pieces[0]
        self.paused.set()
        await self.resume.wait()
        if self.broken:
            raise SourceLost
        for piece in self.pieces[1:]:
            yield piece
