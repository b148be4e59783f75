"""The beginnings of uploads: what they tell, and whether what was asked is for such a file.

An upload that is asked for columns which it does not have is refused as soon as its first MiB is
there, and not after its last byte. The verdict is the job's own, from the same bytes by the same
code: so every gateway comes to it, and nothing has to be recorded.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections import OrderedDict
from contextlib import aclosing
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import HeaderNotReceived, MalformedInput, SpecMismatch
from shared.inspection.inspect import LOOKED_AT, check_header, inspect
from shared.inspection.sample import SAMPLE
from shared.uploads.metadata import AGGREGATION, aggregation_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from uuid import UUID

    from gateway.uploads.upload import Upload
    from shared.aggregation.spec import Aggregation
    from shared.blobs.blob import BlobInfo
    from shared.inspection.inspect import Inspection
    from shared.ports import Blobs

_AT_FIRST = 2 * SAMPLE
"""Bytes of an upload that are read: of compressed ones too, they hold the sample. Of one whose
header goes on, `LOOKED_AT` are."""
AT_A_TIME = 2
"""Beginnings that are looked at side by side: it takes memory, and CPU of the event loop's."""
READ_AT_A_TIME = 16
"""Beginnings from storage that are held in memory, or being read: storage may take its time. Of
the long ones `AT_A_TIME` are."""
_REMEMBERED = 10_000


class Beginnings:
    """Looks at beginnings, in threads. One for a gateway."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_A_TIME)
        # Before a turn, and never while one is held: nobody who looks waits for storage.
        self._reads = {
            _AT_FIRST: asyncio.Semaphore(READ_AT_A_TIME),
            LOOKED_AT: asyncio.Semaphore(AT_A_TIME),
        }
        self._worth: OrderedDict[tuple[UUID, bytes], int] = OrderedDict()
        # How much of an upload has to be there before it is worth another look; of one that fits,
        # or of which nothing can be told, no amount is enough. One that does not fit may be
        # removed, and begun anew under the same id: it is looked at each time.

    async def inspect(
        self, blobs: Blobs, upload: Upload, aggregation: Aggregation | None
    ) -> Inspection:
        """What is understood of an upload, of which the rest may not be there yet.

        Raises HeaderNotReceived if its header is not there.
        """
        for most in (_AT_FIRST, LOOKED_AT):
            async with self._reads[most]:
                sample = await _read(blobs, upload.blob, most)
                whole = upload.blob.complete and len(sample) == upload.blob.size
                async with self._turns:
                    found = await asyncio.to_thread(
                        inspect, sample, whole=whole, aggregation=aggregation
                    )
            if found.column_count or found.error or len(sample) < most:
                break
        if not found.column_count and found.error is None and not whole:
            raise HeaderNotReceived(
                f"of the beginning of the upload {upload.blob.prefix} bytes have been received, "
                "and the header does not end in them; send more of it first"
            )
        return found

    async def check(self, blobs: Blobs, upload: Upload) -> None:
        """Raise SpecMismatch if what was asked of an upload in flight is not for such a file.

        Nothing is known before its first MiB is there; if its header goes on, it is looked at once
        more whenever twice as much is there. One that is whole is its job's to judge.
        """
        worth = self._worth.get(_key(upload), SAMPLE)
        if upload.blob.prefix >= worth and self._is_open(upload):
            most = _AT_FIRST if worth == SAMPLE else LOOKED_AT
            async with self._reads[most]:
                sample = await _read(blobs, upload.blob, most)
                async with self._turns:
                    await self._judge(upload, sample)

    async def watched(
        self, upload: Upload, offset: int, data: AsyncGenerator[bytes, None], patience: int
    ) -> AsyncGenerator[bytes, None]:
        """`data`, which belongs at `offset` of an upload and is closed then.

        If its beginning shows that what was asked is not for such a file, raises SpecMismatch after
        the first MiB, or once `patience` bytes have been passed on, if that is more.
        """
        open_ = offset == 0 and self._is_open(upload)
        held, passed, wrong = bytearray(), 0, None
        async with aclosing(data):
            async for piece in data:
                yield piece
                passed += len(piece)
                if open_:
                    held += piece[: SAMPLE - len(held)]
                    if len(held) == SAMPLE:
                        wrong = await self._verdict(upload, bytes(held))
                        open_, held = False, bytearray()
                if wrong is not None and passed > patience:
                    raise wrong

    async def _verdict(self, upload: Upload, sample: bytes) -> SpecMismatch | None:
        try:
            async with self._turns:
                await self._judge(upload, sample)
        except SpecMismatch as error:
            return error
        return None

    async def _judge(self, upload: Upload, sample: bytes) -> None:
        aggregation = aggregation_of(upload.blob.metadata)
        try:
            known = await asyncio.to_thread(
                check_header, sample, whole=False, aggregation=aggregation
            )
        except SpecMismatch as error:
            raise SpecMismatch(
                f"what is to be computed is not for this file: {error}", field=error.field
            ) from error
        except MalformedInput as error:
            raise SpecMismatch(f"the file can't be read: {error}") from error
        self._worth[_key(upload)] = sys.maxsize if known else 2 * len(sample)
        if len(self._worth) > _REMEMBERED:
            self._worth.popitem(last=False)

    def _is_open(self, upload: Upload) -> bool:
        """Whether it is to be judged, and was not."""
        if upload.blob.complete or upload.is_part:
            return False
        if self._worth.get(_key(upload)) == sys.maxsize:
            return False
        return not aggregation_of(upload.blob.metadata).is_default


def _key(upload: Upload) -> tuple[UUID, bytes]:
    """The upload and what is asked of it, which may be long."""
    asked = upload.blob.metadata.get(AGGREGATION, "")
    return upload.id, hashlib.sha256(asked.encode()).digest()


async def _read(blobs: Blobs, blob: BlobInfo, most: int) -> bytes:
    stop = min(blob.prefix, most)
    if not stop:
        return b""
    async with blobs.open(blob.key, 0, stop) as pieces:
        return b"".join([piece async for piece in pieces])


BEGINNINGS = web.AppKey("beginnings", Beginnings)
