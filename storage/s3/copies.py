"""Puts blobs of this server's disk into object storage: while they arrive, and at their end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from shared.blobs.blob import RESULTS, UPLOADS
from shared.errors import BlobMoved, BlobNotFound, CsvmillError, StorageUnavailable
from storage.s3.client import ObjectGone
from storage.s3.copy import Copy, CopyLost, put_small
from storage.s3.documents import About
from storage.s3.section import Section, md5_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from shared.blobs.blob import BlobInfo, BlobKey
    from storage.filesystem.blobs import FilesystemBlobs
    from storage.s3.bucket import Bucket
    from storage.s3.names import Names
    from storage.s3.notes import Notes
    from storage.s3.remote import RemoteBlobs

PARTS_AT_A_TIME = 8
"""Parts that all copies together send at once."""
IDLE = 5.0
"""Seconds without a byte after which an upload is not followed until its next request."""
RETRY = 5.0
"""Seconds between two tries to store what could not be stored."""
TRIES = 3
"""How often a copy is begun anew at once."""

log = logging.getLogger(__name__)


class Copies:
    """Copies blobs of `local`. `clock` returns Unix seconds.

    An asynchronous context: entering begins to store what an earlier process had complete and did
    not store; leaving stops.
    """

    def __init__(
        self,
        local: FilesystemBlobs,
        remote: RemoteBlobs,
        bucket: Bucket,
        names: Names,
        notes: Notes,
        *,
        part_size: int,
        clock: Callable[[], float],
    ) -> None:
        self._local = local
        self._remote = remote
        self._bucket = bucket
        self._names = names
        self._notes = notes
        self._part_size = part_size
        self._clock = clock
        self._slots = asyncio.Semaphore(PARTS_AT_A_TIME)
        self._locks: WeakValueDictionary[BlobKey, asyncio.Lock] = WeakValueDictionary()
        self._copies: dict[BlobKey, Copy] = {}
        self._following: dict[BlobKey, asyncio.Task[None]] = {}
        self._storing: dict[BlobKey, asyncio.Task[About]] = {}
        self._unstored: set[BlobKey] = set()
        """Complete blobs that could not be stored yet, or which an earlier process has left."""
        self._recovery: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Copies:
        self._recovery = asyncio.create_task(self._recover())
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self._following.values(), *self._storing.values()]
        if self._recovery is not None:
            tasks.append(self._recovery)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def lock(self, key: BlobKey) -> asyncio.Lock:
        """Return the lock to hold while it is decided where a blob is."""
        return self._locks.setdefault(key, asyncio.Lock())

    def begin(self, blob: BlobInfo) -> None:
        """Copy the parts of a blob as they arrive, if it is larger than one."""
        small = blob.size is not None and blob.size <= self._part_size
        if not small and blob.key not in self._following and blob.key not in self._storing:
            task = asyncio.create_task(self._follow(blob.key))
            self._following[blob.key] = task
            task.add_done_callback(lambda _: self._following.pop(blob.key, None))

    async def store(self, key: BlobKey) -> About:
        """Store a complete blob, remove the local one, and return what is stored.

        Raises StorageUnavailable, after which it is tried again in the background; BlobNotFound if
        the blob was removed meanwhile; BlobMoved.
        """
        task = self._storing.get(key)
        if task is None:
            task = asyncio.create_task(self._store(key))
            self._storing[key] = task
            task.add_done_callback(lambda done: self._stored(key, done))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if not task.cancelled() or (caller is not None and caller.cancelling()):
                raise
            raise BlobNotFound(f"blob {key} was removed while it was stored") from None

    async def drop(self, key: BlobKey) -> None:
        """Remove what is in object storage of an upload in flight that was removed here.

        If that fails, the sweep does it.
        """
        copy = await self.stop(key)
        with suppress(StorageUnavailable):
            if copy is not None:
                await copy.discard()
            inflight = await self._remote.inflight(key)
            if inflight is not None:
                await self._bucket.abort(inflight.data, inflight.upload_id)
                await self._bucket.delete(self._names.inflight(key))

    async def clear_before(self, key: BlobKey, epoch: int) -> None:
        """Remove what is in object storage of an upload in flight of a lower epoch.

        Raises StorageUnavailable.
        """
        inflight = await self._remote.inflight(key)
        if inflight is not None and inflight.epoch < epoch:
            await self._bucket.abort(inflight.data, inflight.upload_id)
            await self._bucket.delete(self._names.inflight(key))

    async def stop(self, key: BlobKey) -> Copy | None:
        """Copy an upload no longer; return its copy. Nothing in object storage is changed."""
        self._unstored.discard(key)
        tasks = [each.get(key) for each in (self._following, self._storing)]
        for task in tasks:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        return self._copies.pop(key, None)

    async def _follow(self, key: BlobKey) -> None:
        """Send parts while bytes arrive."""
        at, version = 0, None
        while True:
            try:
                async with self._local.follow(key, at, version=version, wait=IDLE) as growth:
                    version, begun = growth.version, at
                    if growth.parts is None:
                        return
                    async for part in growth.parts:
                        at = part.stop
                        await self._advance(key, version, at)
                if at == begun:
                    return
            except CopyLost:
                self._copies.pop(key, None)
            except StorageUnavailable as error:
                log.info("blob %s is copied later: %s", key, error)
                await asyncio.sleep(RETRY)
            except CsvmillError as error:
                log.debug("blob %s is not copied: %s", key, error)
                return

    async def _advance(self, key: BlobKey, version: str, end: int) -> None:
        copy = self._copies.get(key)
        if copy is None and end < self._part_size:
            return
        if copy is None:
            copy = await self._open_copy(await self._local.peek(key))
        if copy.wants(end):
            async with self._local.file(key, version) as fd:
                await copy.advance(fd, end)

    async def _open_copy(self, blob: BlobInfo) -> Copy:
        """Continue the copy of an earlier process, or begin one. Raises BlobMoved."""
        inflight, floor = await self._remote.inflight(blob.key), 0
        epoch = await self._epoch(blob.key)
        if inflight is not None and inflight.epoch > epoch:
            raise BlobMoved(f"blob {blob.key} is at another storage server now")
        if inflight is not None and inflight.version == blob.version:
            with suppress(CopyLost):
                copy = await Copy.resume(self._bucket, self._names, inflight, self._slots)
                self._copies[blob.key] = copy
                return copy
        elif inflight is not None:
            with suppress(ObjectGone):
                floor = await self._bucket.size(inflight.data)
        copy = await Copy.begin(
            self._bucket,
            self._names,
            blob,
            self._slots,
            part_size=self._part_size,
            epoch=epoch,
            floor=floor,
        )
        self._copies[blob.key] = copy
        return copy

    def _stored(self, key: BlobKey, done: asyncio.Task[About]) -> None:
        self._storing.pop(key, None)
        if done.cancelled():
            return
        error = done.exception()
        if error is None or isinstance(error, BlobNotFound):
            self._unstored.discard(key)
        else:
            self._unstored.add(key)
            log.warning("blob %s is complete and not in object storage yet: %r", key, error)

    async def _store(self, key: BlobKey) -> About:
        following = self._following.get(key)
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        try:
            blob = await self._local.peek(key)
        except BlobNotFound:
            about = await self._remote.find(key)
            if about is None:
                raise
            return about
        if key in self._unstored and (about := await self._remote.find(key)) is not None:
            # An earlier process was killed before it could remove its own.
            await self._commit(blob, about.data, about)
            return about
        data = await self._data(blob)
        about = About(
            key,
            len(blob.received),
            blob.sha256,
            dict(blob.metadata),
            blob.version,
            blob.completed_at or self._clock(),
            data,
        )
        await self._commit(blob, data, about)
        await self._clear(key, data)
        log.info("blob %s is in object storage: %d bytes", key, about.size)
        return about

    async def _commit(self, blob: BlobInfo, data: str | None, about: About) -> None:
        """Make the blob complete, and remove the local one. Raises BlobNotFound, BlobMoved."""
        key = blob.key
        async with self.lock(key):
            here = await self._local.peek(key) if await self._local.exists(key) else None
            if here is None or here.version != blob.version:
                if data is not None and data != (await self._data_of(key)):
                    await self._bucket.delete(data)
                raise BlobNotFound(f"blob {key} has been deleted")
            if key in self._copies:
                inflight = await self._remote.inflight(key)
                if inflight is not None and inflight.epoch > await self._epoch(key):
                    raise BlobMoved(f"blob {key} is at another storage server now")
            await put_small(self._bucket, self._names.about(key), about.encode())
            self._remote.add(about)
            await asyncio.to_thread(self._notes.use, key, self._clock())
            await self._local.release(key)

    async def _data_of(self, key: BlobKey) -> str | None:
        about = await self._remote.find(key)
        return None if about is None else about.data

    async def _clear(self, key: BlobKey, data: str | None) -> None:
        """Remove what described the upload in flight. If that fails, the sweep does it."""
        if self._copies.pop(key, None) is None:
            return
        with suppress(StorageUnavailable):
            inflight = await self._remote.inflight(key)
            if inflight is None:
                return
            await self._bucket.delete(self._names.inflight(key))
            if inflight.data != data:
                await self._bucket.abort(inflight.data, inflight.upload_id)
                await self._bucket.delete(inflight.data)

    async def _data(self, blob: BlobInfo) -> str | None:
        """Store the bytes of a complete blob; return the name of the object."""
        size = len(blob.received)
        if not size:
            return None
        for _ in range(TRIES):
            with suppress(CopyLost):
                async with self._local.file(blob.key, blob.version) as fd:
                    if size <= self._part_size and blob.key not in self._copies:
                        return await self._at_once(blob.key, fd, size)
                    copy = self._copies.get(blob.key) or await self._open_copy(blob)
                    await copy.advance(fd, size, whole=True)
                    return await copy.complete(size)
            self._copies.pop(blob.key, None)
        raise StorageUnavailable("object storage loses the parts of blobs")

    async def _at_once(self, key: BlobKey, fd: int, size: int) -> str:
        async with self._slots:
            name = self._names.new_data(key)
            md5 = await asyncio.to_thread(md5_of, fd, 0, size)
            await self._bucket.put(name, Section(fd, 0, size), md5)
            return name

    async def _epoch(self, key: BlobKey) -> int:
        return await asyncio.to_thread(self._notes.epoch, key)

    async def _recover(self) -> None:
        """Store what is complete and was not stored, until cancelled."""
        found = False
        while True:
            try:
                if not found:
                    await self._find_complete()
                    found = True
                for key in tuple(self._unstored):
                    await self._try(self.store(key))
            except CsvmillError as error:
                log.warning("complete blobs are stored later: %s", error)
            except Exception:  # without the task, complete blobs would stay here unnoticed
                log.exception("storing complete blobs failed and continues")
            await asyncio.sleep(RETRY)

    async def _find_complete(self) -> None:
        for kind in (UPLOADS, RESULTS):
            async with self._local.walk(kind) as found:
                self._unstored |= {each.key async for each in found if each.complete}

    async def _try(self, work: Coroutine[object, object, object]) -> None:
        with suppress(CsvmillError):
            await work
