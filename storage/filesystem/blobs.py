"""Blobs in a folder of this machine."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import re
import shutil
import time
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from shared.blobs.blob import AppendLease, Declaration, parse_kind
from shared.blobs.content import Content
from shared.blobs.layout import blob_folder, complete_data
from shared.blobs.listener import NullBlobListener
from shared.errors import (
    BlobConflict,
    BlobIncomplete,
    ChunkOutOfBounds,
    CsvmillError,
    DigestMismatch,
    InvalidInput,
    StorageUnavailable,
)
from shared.runtime.files import lock_file, write_all
from storage.filesystem.appender import Appender
from storage.filesystem.assembly import assemble_folder
from storage.filesystem.atomic import create_folder, make_folder, remove_folder
from storage.filesystem.chunk_writer import ChunkWriter
from storage.filesystem.disk import Disk, uninterrupted
from storage.filesystem.folder import MAX_SIZE
from storage.filesystem.loaded import LoadedBlobs
from storage.filesystem.meta import new_meta
from storage.filesystem.reader import Reader
from storage.filesystem.walk import idle_seconds, walk

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from shared.blobs.blob import BlobActivity, BlobInfo, BlobKey
    from shared.blobs.listener import BlobListener
    from shared.ports.blobs import Admit
    from storage.filesystem.blob import Blob
    from storage.filesystem.meta import Meta

MAX_METADATA = 64 << 10
"""Bytes of a blob's metadata as JSON."""
THREADS = 8
IDLE_BLOBS = 128
"""How many blobs that nobody uses stay loaded; each takes a file descriptor."""

log = logging.getLogger(__name__)

_SHA256 = re.compile(r"[0-9a-f]{64}")


class FilesystemBlobs:
    """Implements `shared.ports.Blobs` in the folder `root`, which one process owns at a time.

    Use as an asynchronous context: entering makes the folder if need be, locks it and clears
    away what a crash left half created or half deleted. With `fsync` what the port calls durable
    survives a loss of power; without, only the death of the process. It reports to `listener`.

    Memory: a chunk in flight takes at most two batches of 1 MiB (each plus less than one piece
    of its data), a reader two pieces of 1 MiB.
    """

    def __init__(
        self,
        root: Path,
        fsync: bool = True,
        *,
        listener: BlobListener | None = None,
        idle_blobs: int = IDLE_BLOBS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._root = root
        self._clock = clock
        self._fsync = fsync
        self._listener = listener or NullBlobListener()
        # Dots do not occur in keys, so these are no blob's.
        self._staging = root / ".new"
        self._trash = root / ".trash"
        self._idle_blobs = idle_blobs
        self._lock_fd: int | None = None
        # Higher than those of the process before, unless the clock was put back.
        self._tokens = count(time.time_ns())
        self._disk: Disk
        self._loaded: LoadedBlobs

    async def __aenter__(self) -> Self:
        """Raises StorageUnavailable if another process owns the folder, or it is unusable."""
        self._disk = Disk(threads=THREADS)
        self._loaded = LoadedBlobs(
            self._root, self._disk, fsync=self._fsync, idle=self._idle_blobs, clock=self._clock
        )
        try:
            await self._disk.run(self._take_root)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._loaded.close()
        await self._disk.close()
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    async def create(
        self,
        key: BlobKey,
        size: int | None,
        *,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlobInfo:
        """See the port. Raises InvalidInput for an impossible size, digest or metadata.

        A blob of no bytes is complete at once: raises DigestMismatch if `sha256` is not that of
        nothing.
        """
        declaration = Declaration(size, sha256, dict(metadata or {}))
        await self._create(key, declaration)
        info = await self.info(key)
        _check_conflict(info, declaration)
        return info

    async def declare_size(self, key: BlobKey, size: int) -> BlobInfo:
        """See the port. Raises InvalidInput for a size that cannot be."""
        _check_declaration(size, None, {})
        async with self._loaded.using(key) as blob:
            await blob.declare_size(size)
            await self._disk.run(blob.folder.touch, self._clock())
            return blob.info()

    async def write(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[bytes],
        *,
        declaration: Declaration | None = None,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """See the port."""
        if declaration is not None:
            await self._create(key, declaration)
        async with self._used(key) as blob:
            if declaration is not None:
                _check_conflict(blob.info(), declaration)
            if admit is not None:
                await admit(blob.info())
            return await self._write_chunk(blob, offset, data)

    async def append(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[bytes],
        *,
        token: int | None = None,
        whole: bool = False,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """See the port."""
        async with self._used(key) as blob:
            if token is None:
                token = next(self._tokens)
                await blob.append_leases.begin(token)
            if admit is not None:
                await admit(blob.info())
            with blob.append_leases.appending(token) as appending:
                async with aclosing(appending.pieces(data)) as pieces:
                    if whole:
                        return await self._write_chunk(blob, offset, pieces)
                    appender = Appender(blob, self._disk, self._staging, pieces)
                    try:
                        return await appender.append(offset)
                    finally:
                        if appender.recorded:
                            self._listener.chunk_stored(key, appender.recorded)

    async def lease_append(self, key: BlobKey) -> AppendLease:
        """See the port."""
        async with self._loaded.using(key) as blob:
            token = next(self._tokens)
            await blob.append_leases.begin(token)
            await self._disk.run(blob.folder.touch, self._clock())
            return AppendLease(blob.info(), token)

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """See the port. Raises InvalidInput too for metadata or a sum of sizes that cannot be."""
        if not parts or key in parts:
            raise InvalidInput("a blob is assembled of others, of one at least", field="parts")
        async with AsyncExitStack() as used:
            blobs = [await used.enter_async_context(self._loaded.using(part)) for part in parts]
            sizes = [_size_of_complete(blob) for blob in blobs]
            described = dict(metadata or {})
            _check_declaration(sum(sizes), None, described)
            place = blob_folder(self._root, key)
            async with self._loaded.lock(key):
                if not await self._disk.run(place.exists):
                    await assemble_folder(
                        place,
                        self._staging / uuid4().hex,
                        new_meta(key, sum(sizes), None, described),
                        [
                            (partial(blob.folder.open_data, blob.generation), size)
                            for blob, size in zip(blobs, sizes, strict=True)
                        ],
                        self._disk,
                        fsync=self._fsync,
                    )
                    self._listener.blob_changed(key, "begun")
                    log.info(
                        "blob %s is complete: %d bytes of %d parts", key, sum(sizes), len(parts)
                    )
        return await self.info(key)

    async def info(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        async with self._loaded.using(key) as blob:
            await self._disk.run(blob.folder.touch, self._clock())
            return blob.info()

    async def peek(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        async with self._loaded.using(key) as blob:
            return blob.info()

    @asynccontextmanager
    async def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[Content]:
        """See the port. A blob that is deleted meanwhile stays readable to the end."""
        async with Reader(self._disk) as reader:
            async with self._loaded.using(key) as blob:
                if stop is None and blob.size is None:
                    raise BlobIncomplete(f"blob {key}: its size has not been declared")
                end = blob.limit if stop is None else stop
                if not 0 <= start <= end <= blob.limit:
                    raise ChunkOutOfBounds(
                        f"{start}..{end} is outside of the {blob.limit} bytes of blob {key}"
                    )
                if missing := blob.received.missing(start, end):
                    first = missing[0]
                    raise BlobIncomplete(
                        f"blob {key}: bytes {first.start}..{first.stop} have not been received"
                    )
                try:
                    await reader.open(partial(blob.folder.open_data, blob.generation))
                except StorageUnavailable as error:
                    if isinstance(error.__cause__, FileNotFoundError):
                        blob.lost(error)
                    raise
            try:
                async with aclosing(reader.pieces(start, end)) as pieces:
                    yield Content(pieces, start, end, reader)
            finally:
                self._listener.bytes_read(key, reader.given)

    async def delete(self, key: BlobKey) -> None:
        """See the port."""
        async with self._loaded.lock(key):
            trash = await uninterrupted(self._remove(key))
        if trash is not None:
            self._listener.blob_changed(key, "removed")
            await self._disk.run(shutil.rmtree, trash)

    async def expire(self, key: BlobKey, *, idle_for: float) -> bool:
        """See the port. Raises InvalidInput unless `idle_for` is a finite number, 0 or more."""
        if not 0 <= idle_for < math.inf:
            raise InvalidInput(f"idle_for {idle_for} is not a number of seconds", field="idle_for")
        place = blob_folder(self._root, key)
        async with self._loaded.lock(key):
            if self._loaded.in_use(key):
                return False
            idle = await self._disk.run(idle_seconds, place, self._clock())
            if idle is None or idle < idle_for:
                return False
            trash = await uninterrupted(self._remove(key))
        if trash is None:
            return False
        self._listener.blob_changed(key, "expired")
        await self._disk.run(shutil.rmtree, trash)
        return True

    @asynccontextmanager
    async def walk(self, kind: str) -> AsyncIterator[AsyncIterator[BlobActivity]]:
        """See the port. Raises InvalidInput for what cannot be a kind."""
        folder = self._root / parse_kind(kind)
        async with aclosing(walk(folder, self._disk, self._clock)) as found:
            yield found

    def local_path(self, key: BlobKey) -> Path | None:
        """See the port."""
        return complete_data(self._root, key)

    async def ping(self) -> None:
        """See the port: a file can be made where blobs are kept."""
        try:
            await self._disk.run(self._probe)
        except StorageUnavailable:
            raise
        except CsvmillError as error:
            raise StorageUnavailable(str(error)) from error

    @asynccontextmanager
    async def _used(self, key: BlobKey) -> AsyncIterator[Blob]:
        """The blob, whose time begins anew when the context is left."""
        async with self._loaded.using(key) as blob:
            try:
                yield blob
            finally:
                await self._disk.run(blob.folder.touch, self._clock())

    async def _create(self, key: BlobKey, declaration: Declaration) -> None:
        """Create the blob unless it exists."""
        size, sha256, metadata = declaration.size, declaration.sha256, dict(declaration.metadata)
        _check_declaration(size, sha256, metadata)
        async with self._loaded.lock(key):
            meta = new_meta(key, size, sha256, metadata)
            place = blob_folder(self._root, key)
            if await self._disk.run(self._create_if_absent, place, meta):
                self._listener.blob_changed(key, "begun")
                log.info("blob %s begins, of %s bytes", key, "unknown" if size is None else size)

    async def _write_chunk(self, blob: Blob, offset: int, data: AsyncIterable[bytes]) -> BlobInfo:
        async with ChunkWriter(blob, self._disk, offset, self._staging) as writer:
            await writer.receive(data)
            info = await writer.commit()
        self._listener.chunk_stored(info.key, writer.received)
        return info

    async def _remove(self, key: BlobKey) -> Path | None:
        """Take the blob away; call with its lock held. Its remains; None if there was none."""
        trash = self._trash / uuid4().hex
        place = blob_folder(self._root, key)
        found = await self._disk.run(remove_folder, place, trash, fsync=self._fsync)
        self._loaded.forget(key)
        return trash if found else None

    def _take_root(self) -> None:
        make_folder(self._root, fsync=self._fsync)
        lock = self._root / ".lock"
        try:
            self._lock_fd = lock_file(lock)
        except BlockingIOError:
            owner = lock.read_text(errors="replace").strip()
            raise StorageUnavailable(
                f"{self._root} is in use by another storage process (pid {owner or 'unknown'}); "
                "stop it, or set CSVMILL_DATA_DIR to another folder"
            ) from None
        # A full disk must not keep storage from starting: what it holds is to be read, and
        # removing makes room. So nothing is given up here that is needed again.
        for folder in (self._staging, self._trash):
            folder.mkdir(exist_ok=True)
            for left in folder.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        with suppress(OSError):
            write_all(self._lock_fd, f"{os.getpid():<20}".encode())

    def _create_if_absent(self, place: Path, meta: Meta) -> bool:
        if place.exists():
            # Before the lock is let go, or it could still expire under its creator.
            os.utime(place, (self._clock(),) * 2)
            return False
        create_folder(place, self._staging / uuid4().hex, meta, fsync=self._fsync)
        return True

    def _probe(self) -> None:
        probe = self._staging / "ping"
        probe.touch()
        probe.unlink(missing_ok=True)


def _size_of_complete(blob: Blob) -> int:
    info = blob.info()
    if info.size is None or not info.complete:
        raise BlobIncomplete(f"blob {info.key} is not complete")
    return info.size


def _check_conflict(info: BlobInfo, declaration: Declaration) -> None:
    size, sha256 = declaration.size, declaration.sha256
    if size is not None and info.size != size:
        raise BlobConflict(f"blob {info.key} exists with {info.size} bytes, not {size}")
    if sha256 is not None and info.sha256 != sha256:
        raise BlobConflict(
            f"blob {info.key} exists with digest {info.sha256 or 'undeclared'}, not {sha256}"
        )


def _check_declaration(size: int | None, sha256: str | None, metadata: dict[str, str]) -> None:
    if size is not None and not 0 <= size <= MAX_SIZE:
        raise InvalidInput(f"size {size} is not within 0..{MAX_SIZE} bytes", field="size")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise InvalidInput(f"sha256 {sha256!r} is not 64 lower-case hex digits", field="sha256")
    if len(json.dumps(metadata).encode()) > MAX_METADATA:
        raise InvalidInput(f"metadata exceeds {MAX_METADATA} bytes as JSON", field="metadata")
    if size == 0 and sha256 not in (None, hashlib.sha256().hexdigest()):
        raise DigestMismatch(f"declared digest {sha256} is not that of an empty blob")
