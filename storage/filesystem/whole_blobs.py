"""Create small blobs whole: with all their bytes, in one step and one call of a thread."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from typing import TYPE_CHECKING

from shared.blobs.blob import BlobInfo
from shared.blobs.byte_ranges import RangeSet
from shared.blobs.content import WHOLE, WholeBytes
from shared.blobs.gathering import GATHERED
from shared.blobs.layout import blob_folder
from storage.filesystem.atomic_folders import (
    build_whole_folder,
    publish_folder,
    sync_whole_folder,
)
from storage.filesystem.disk import uninterrupted
from storage.filesystem.folder import BlobFolder, State
from storage.filesystem.log_segment import Record
from storage.filesystem.meta import check_declaration, encode_meta, new_meta, version_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable
    from pathlib import Path

    from shared.blobs.blob import Admit, BlobKey, Declaration
    from shared.blobs.gathering import Gathering
    from shared.blobs.listener import BlobListener
    from shared.blobs.socket_part import Piece
    from storage.filesystem.blob_cache import BlobCache
    from storage.filesystem.disk import Disk
    from storage.filesystem.meta import Meta
    from storage.filesystem.root import RootFolder

log = logging.getLogger(__name__)


def is_gathered(declaration: Declaration, data: AsyncIterable[Piece]) -> bool:
    """Whether the bytes of such a blob are gathered, or are in memory, to create it whole."""
    limit = WHOLE if isinstance(data, WholeBytes) else GATHERED
    return declaration.size is not None and 0 < declaration.size <= limit


class WholeBlobs:
    """Creates blobs in the folder `root`. `clock` returns Unix seconds."""

    def __init__(
        self,
        root: RootFolder,
        disk: Disk,
        cache: BlobCache,
        listener: BlobListener,
        clock: Callable[[], float],
        *,
        fsync: bool,
    ) -> None:
        self._root = root
        self._disk = disk
        self._cache = cache
        self._listener = listener
        self._clock = clock
        self._fsync = fsync

    async def write(
        self, key: BlobKey, gathering: Gathering, declaration: Declaration, admit: Admit | None
    ) -> tuple[bool, BlobInfo | None]:
        """Create a blob of all its bytes, unless it exists or they do not arrive promptly.

        Returns whether `admit` was called, and the blob if it was created. Otherwise the caller
        has to create and write it, whatever is wrong with the bytes. Raises as `Blobs.create`, and
        what `admit` raises.
        """
        size, sha256 = declaration.size, declaration.sha256
        metadata = dict(declaration.metadata)
        check_declaration(size, sha256, metadata)
        meta = new_meta(key, size, sha256, metadata)
        if admit is None and gathering.in_memory:
            pass  # nothing is decided, and nothing read, before it is seen whether it exists
        elif await self._exists(key):
            return False, None
        if admit is not None:
            await admit(_info(meta, None))
        admitted = admit is not None
        content = await gathering.whole()
        if content is None or sha256 not in (None, hashlib.sha256(content).hexdigest()):
            return admitted, None
        return admitted, await self.create(meta, content)

    async def create(self, meta: Meta, content: bytes) -> BlobInfo | None:
        """Create a complete blob; return None if it exists. Raises StorageFull."""
        key = meta.key
        async with self._cache.lock(key):
            if self._cache.loaded(key):
                return None
            completed_at = await uninterrupted(self._create(meta, content))
        if completed_at is None:
            return None
        self._listener.blob_changed(key, "begun")
        if content:
            self._listener.chunk_stored(key, len(content))
        log.info("blob %s is complete: %d bytes", key, len(content))
        return _info(meta, completed_at)

    async def _exists(self, key: BlobKey) -> bool:
        async with self._cache.lock(key):
            path = blob_folder(self._root.path, key)
            return self._cache.loaded(key) or await self._disk.run(path.exists)

    async def _create(self, meta: Meta, content: bytes) -> float | None:
        path = blob_folder(self._root.path, meta.key)
        record = Record(meta.key, encode_meta(meta), content, self._clock())
        created = await self._disk.run(self._create_if_absent, path, meta, record)
        if created is None:
            return None
        folder, completed_at = created
        self._cache.add(folder, State(0, RangeSet.of([(0, len(content))]), 0, completed_at))
        return completed_at

    def _create_if_absent(
        self, path: Path, meta: Meta, record: Record
    ) -> tuple[BlobFolder, float] | None:
        if path.exists():
            return None
        staging = self._root.staging_path()
        try:
            completed_at = build_whole_folder(staging, record, fsync=False)
            # Opened before it can be found, so that nothing fails once it is created.
            fd = os.open(staging, os.O_RDONLY | os.O_DIRECTORY)
            try:
                self._publish(path, staging, record)
            except BaseException:
                os.close(fd)
                raise
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        return BlobFolder(fd, meta, fsync=self._fsync), completed_at

    def _publish(self, path: Path, staging: Path, record: Record) -> None:
        if self._root.log is None:
            publish_folder(path, staging, fsync=False)
            return
        with self._root.log.adding(record) as logged:
            if not logged:
                sync_whole_folder(staging)
            publish_folder(path, staging, fsync=not logged)


def _info(meta: Meta, completed_at: float | None) -> BlobInfo:
    """Describe a blob that has all of its bytes since `completed_at`, or none of them."""
    received = RangeSet() if completed_at is None else RangeSet.of([(0, meta.size or 0)])
    return BlobInfo(
        meta.key, meta.size, received, meta.sha256, dict(meta.metadata), completed_at,
        version_of(meta),
    )  # fmt: skip
