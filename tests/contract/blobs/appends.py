"""A sender that stalls, and parts of an assembly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from shared.blobs.blob import upload_key
from tests.blob_backends import stream
from tests.contract.blobs.chunks import SourceLost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.blobs.blob import BlobKey
    from shared.ports import Blobs


class Sender:
    """Yields the pieces, and then hangs until the connection is lost."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.silent = asyncio.Event()
        self.lost = asyncio.Event()
        self.closed = asyncio.Event()

    async def stream(self) -> AsyncIterator[bytes]:
        try:
            for piece in self.pieces:
                yield piece
            self.silent.set()
            await self.lost.wait()
            raise SourceLost
        finally:
            self.closed.set()


async def made(blobs: Blobs, key: BlobKey, content: bytes) -> BlobKey:
    await blobs.create(key, len(content))
    await blobs.write(key, 0, stream(content))
    return key


PARTS = [upload_key(UUID(int=number)) for number in (11, 12, 13)]
