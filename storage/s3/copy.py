"""The copy of one blob in object storage, while it is made."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from storage.s3.client import ObjectGone, UploadGone
from storage.s3.documents import Inflight
from storage.s3.parts import PartSizes
from storage.s3.section import Section, md5_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.blobs.blob import BlobInfo
    from storage.s3.bucket import Bucket
    from storage.s3.names import Names
    from storage.s3.parts import Part

WORKERS = 4
"""Parts of one blob that are sent at once."""


class CopyLost(Exception):
    """Object storage does not have the parts any more, or has other ones."""


class Copy:
    """A multipart upload. Its parts are durable in object storage as soon as they are sent."""

    def __init__(
        self,
        bucket: Bucket,
        names: Names,
        inflight: Inflight,
        slots: asyncio.Semaphore,
        *,
        floor: int = 0,
    ) -> None:
        """`slots` bounds the parts that all copies send at once.

        `floor` are the bytes that the description which is in object storage now leads to: it is
        replaced once this copy has as many.
        """
        self._bucket = bucket
        self._names = names
        self._inflight = inflight
        self._slots = slots
        self._floor = floor
        self._tags: dict[int, str] = {}
        self._sizes = PartSizes(inflight.part_size, inflight.growing)
        self._recorded = False

    @classmethod
    async def begin(
        cls,
        bucket: Bucket,
        names: Names,
        blob: BlobInfo,
        slots: asyncio.Semaphore,
        *,
        part_size: int,
        epoch: int,
        floor: int,
    ) -> Copy:
        """Begin a copy of a blob in parts of `part_size` bytes or more."""
        sizes = PartSizes.of(blob.size, part_size)
        name = names.new_data(blob.key)
        inflight = Inflight(
            blob.key,
            blob.size,
            blob.sha256,
            dict(blob.metadata),
            blob.version,
            name,
            await bucket.begin(name),
            sizes.first,
            sizes.growing,
            epoch,
        )
        return cls(bucket, names, inflight, slots, floor=floor)

    @classmethod
    async def resume(
        cls, bucket: Bucket, names: Names, inflight: Inflight, slots: asyncio.Semaphore
    ) -> Copy:
        """Continue a copy that an earlier process has begun. Raises CopyLost."""
        copy = cls(bucket, names, inflight, slots)
        copy._recorded = True
        try:
            stored = await bucket.parts(inflight.data, inflight.upload_id)
        except UploadGone as error:
            raise CopyLost from error
        copy._tags = {part.number: part.tag for part in stored}
        expected = {part.number: part.size for part in stored}
        if any(copy._sizes.size_of(n) < size for n, size in expected.items()):
            raise CopyLost
        return copy

    @property
    def data(self) -> str:
        """The name of the object."""
        return self._inflight.data

    @property
    def upload_id(self) -> str:
        """The multipart upload."""
        return self._inflight.upload_id

    @property
    def epoch(self) -> int:
        """The epoch of the upload when the copy was begun."""
        return self._inflight.epoch

    def wants(self, end: int) -> bool:
        """Whether the first `end` bytes have a part that was not sent yet."""
        return next(self._missing(end, whole=False), None) is not None

    async def advance(self, fd: int, end: int, *, whole: bool = False) -> None:
        """Send the parts of the first `end` bytes of the file `fd` that were not sent yet.

        Without `whole`, the bytes that fill no part wait. Raises CopyLost, StorageUnavailable.
        """
        missing = self._missing(end, whole=whole)
        tasks = [asyncio.create_task(self._send(fd, missing)) for _ in range(WORKERS)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def complete(self, size: int) -> str:
        """Make the object of `size` bytes of all parts; return its name. Raises CopyLost."""
        await self._record()
        with suppress(UploadGone):  # it may have been completed, and the answer lost
            await self._bucket.complete(self.data, self.upload_id, self._tags)
        await check_size(self._bucket, self.data, size)
        return self.data

    async def discard(self) -> None:
        """Remove the parts, and what describes them."""
        await self._bucket.abort(self.data, self.upload_id)
        if self._recorded:
            await self._bucket.delete(self._names.inflight(self._inflight.key))

    def _missing(self, end: int, *, whole: bool) -> Iterator[Part]:
        return (
            part for part in self._sizes.parts(end, whole=whole) if part.number not in self._tags
        )

    async def _send(self, fd: int, parts: Iterator[Part]) -> None:
        for part in parts:
            async with self._slots:
                md5 = await asyncio.to_thread(md5_of, fd, part.start, part.stop)
                try:
                    tag = await self._bucket.put_part(
                        self.data,
                        self.upload_id,
                        part.number,
                        Section(fd, part.start, part.stop),
                        md5,
                    )
                except (UploadGone, ObjectGone) as error:
                    raise CopyLost from error
            self._tags[part.number] = tag
            if not self._recorded and self._prefix() >= max(1, self._floor):
                await self._record()

    def _prefix(self) -> int:
        number = 0
        while number + 1 in self._tags:
            number += 1
        return sum(self._sizes.size_of(each) for each in range(1, number + 1))

    async def _record(self) -> None:
        if not self._recorded:
            self._recorded = True
            try:
                await put_small(
                    self._bucket,
                    self._names.inflight(self._inflight.key),
                    self._inflight.encode(),
                )
            except BaseException:
                self._recorded = False
                raise


async def put_small(bucket: Bucket, name: str, content: bytes) -> None:
    """Store an object that is in memory."""
    await bucket.put(name, content, hashlib.md5(content, usedforsecurity=False).digest())


async def check_size(bucket: Bucket, name: str, size: int) -> None:
    """Raise CopyLost unless an object has this size."""
    try:
        stored = await bucket.size(name)
    except ObjectGone as error:
        raise CopyLost from error
    if stored != size:
        raise CopyLost
