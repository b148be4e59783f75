"""Moves uploads in flight between servers that share object storage (`AdoptsUploads`)."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.errors import BlobMoved, BlobNotFound
from storage.s3.client import ObjectGone, UploadGone
from storage.s3.copy import put_small
from storage.s3.parts import PartSizes

if TYPE_CHECKING:
    from shared.blobs.blob import BlobInfo, BlobKey
    from storage.filesystem.blobs import FilesystemBlobs
    from storage.s3.bucket import Bucket
    from storage.s3.copies import Copies
    from storage.s3.documents import Inflight
    from storage.s3.names import Names
    from storage.s3.notes import Notes
    from storage.s3.remote import RemoteBlobs

log = logging.getLogger(__name__)


class Adoption:
    """Takes over uploads, and gives them up.

    The parts that another server has stored become an object, which is copied to the disk of this
    one. So the upload is again like any other: its bytes can be read, compared and verified. The
    description in object storage gets the new epoch first, so that the other server, should it be
    back, finds that it has lost the upload before it changes anything.
    """

    def __init__(
        self,
        local: FilesystemBlobs,
        remote: RemoteBlobs,
        copies: Copies,
        bucket: Bucket,
        names: Names,
        notes: Notes,
    ) -> None:
        self._local = local
        self._remote = remote
        self._copies = copies
        self._bucket = bucket
        self._names = names
        self._notes = notes
        self._adopting: dict[tuple[BlobKey, int], asyncio.Task[BlobInfo]] = {}

    async def hold(self, key: BlobKey, epoch: int) -> None:
        """See `AdoptsUploads`."""
        seen = await self._epoch(key)
        if epoch < seen:
            raise _moved(key)
        if epoch > seen:
            if seen and await self._local.exists(key):
                raise _moved(key)
            await self._remember(key, epoch)

    async def adopt(self, key: BlobKey, epoch: int) -> BlobInfo:
        """See `AdoptsUploads`. Of a blob that is complete by then, returns the local one."""
        task = self._adopting.get((key, epoch))
        if task is None:
            task = asyncio.create_task(self._adopt(key, epoch))
            self._adopting[key, epoch] = task
            task.add_done_callback(lambda _: self._adopting.pop((key, epoch), None))
        return await asyncio.shield(task)

    async def abandon(self, key: BlobKey, epoch: int, *, deleted: bool = False) -> None:
        """See `AdoptsUploads`."""
        if await self._epoch(key) < epoch and await self._local.exists(key):
            await self._remove(key)
            log.info("upload %s was %s", key, "deleted" if deleted else "moved to another server")
        if deleted:
            await self._copies.clear_before(key, epoch)

    async def _adopt(self, key: BlobKey, epoch: int) -> BlobInfo:
        seen = await self._epoch(key)
        if epoch < seen:
            raise _moved(key)
        if epoch > seen and await self._local.exists(key):
            await self._remove(key)
        inflight = await self._remote.inflight(key)
        if inflight is None:
            if await self._local.exists(key):
                return await self._local.peek(key)
            raise BlobNotFound(f"object storage has nothing of upload {key}")
        if inflight.epoch > epoch:
            raise _moved(key)
        await self._remember(key, epoch)
        if await self._local.exists(key):
            here = await self._local.peek(key)
            if here.version == inflight.version:
                return here  # it was adopted, and has parts of its own in object storage by now
        if inflight.epoch < epoch:
            inflight = replace(inflight, epoch=epoch)
            await put_small(self._bucket, self._names.inflight(key), inflight.encode())
        size = await self._durable(inflight)
        return await self._restore(inflight, size)

    async def _durable(self, inflight: Inflight) -> int:
        """Make an object of the parts from the first one on; return its bytes."""
        sizes = PartSizes(inflight.part_size, inflight.growing)
        tags: dict[int, str] = {}
        try:
            for part in await self._bucket.parts(inflight.data, inflight.upload_id):
                if part.number != len(tags) + 1 or part.size > sizes.size_of(part.number):
                    break
                tags[part.number] = part.tag
            if tags:
                await self._bucket.complete(inflight.data, inflight.upload_id, tags)
        except UploadGone:
            log.debug("the parts of %s were made an object before", inflight.key)
        try:
            return await self._bucket.size(inflight.data)
        except ObjectGone:
            await self._bucket.abort(inflight.data, inflight.upload_id)
            await self._bucket.delete(self._names.inflight(inflight.key))
            raise BlobNotFound(f"object storage has nothing of upload {inflight.key}") from None

    async def _restore(self, inflight: Inflight, size: int) -> BlobInfo:
        """Copy what is durable to the disk of this server."""
        key = inflight.key
        here = await self._local.create(
            key, inflight.size, sha256=inflight.sha256, metadata=inflight.metadata
        )
        if here.prefix < size:
            pieces = self._remote.object_pieces(inflight.data, here.prefix, size)
            async with aclosing(pieces):
                here = await self._local.append(key, here.prefix, pieces)
        log.info("upload %s is here now, with %d bytes", key, here.prefix)
        return here

    async def _remove(self, key: BlobKey) -> None:
        await self._copies.stop(key)
        async with self._copies.lock(key):
            await self._local.delete(key)
            await asyncio.to_thread(self._notes.forget, key)

    async def _remember(self, key: BlobKey, epoch: int) -> None:
        """Remember an epoch. Raises BlobMoved if a higher one was remembered meanwhile."""
        if await asyncio.to_thread(self._notes.remember_epoch, key, epoch) > epoch:
            raise _moved(key)

    async def _epoch(self, key: BlobKey) -> int:
        return await asyncio.to_thread(self._notes.epoch, key)


def _moved(key: BlobKey) -> BlobMoved:
    return BlobMoved(f"upload {key} is at another storage server now")
