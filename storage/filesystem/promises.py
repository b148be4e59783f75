"""The space that uploads in progress have declared and do not use yet."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from shared.blobs.blob import UPLOADS
from shared.blobs.layout import DATA, blob_folder, key_at
from shared.errors import StorageUnavailable
from storage.filesystem.folder import PARTIAL
from storage.filesystem.meta import read_size

if TYPE_CHECKING:
    from pathlib import Path

    from shared.blobs.blob import BlobKey

MOST_KEYS = 10_000
"""Uploads known here from which those that are complete are looked for."""
BLOCK = 512
"""Bytes of a block in what `stat` says."""

log = logging.getLogger(__name__)


class Promises:
    """Which uploads have a declared size, and how many bytes of it take no space yet.

    The sum of the sizes is known at once. It counts bytes that have arrived, and uploads that are
    complete, so it is too large; `measure` looks at the files. Used by several threads.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._sizes: dict[BlobKey, int] = {}
        self._new: set[BlobKey] = set()
        """Those whose folders may not exist yet."""
        self._lock = threading.Lock()
        self._at_most = 0

    @property
    def at_most(self) -> int:
        """Bytes that are not more than this."""
        return self._at_most

    def __contains__(self, key: BlobKey) -> bool:
        return key in self._sizes

    def add(self, key: BlobKey, size: int, *, new: bool = False) -> None:
        """Count an upload. Call `made` or `remove` once a `new` one exists or not."""
        with self._lock:
            self._at_most += size - self._sizes.get(key, 0)
            self._sizes[key] = size
            if new:
                self._new.add(key)

    def made(self, key: BlobKey) -> None:
        """Note that the folder of a new upload exists."""
        with self._lock:
            self._new.discard(key)

    def remove(self, key: BlobKey) -> None:
        """Count an upload no longer."""
        with self._lock:
            self._at_most -= self._sizes.pop(key, 0)
            self._new.discard(key)

    def measure(self) -> int:
        """Return the bytes that are declared and take no space; blocks.

        Uploads that are complete, or were removed, are counted no longer.
        """
        missing = 0
        for key, size in tuple(self._sizes.items()):
            used = None if key in self._new else _used(blob_folder(self._root, key))
            if used is not None:
                missing += max(0, size - used)
            elif key in self._new:
                missing += size
            else:
                self.remove(key)
        return missing

    def tidy(self) -> None:
        """Look at the files if there are many uploads here; blocks."""
        if len(self._sizes) >= MOST_KEYS:
            self.measure()

    def find(self) -> None:
        """Count the uploads in progress of an earlier process; blocks."""
        try:
            paths = list((self._root / UPLOADS).iterdir())
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                log.warning("no space is promised to the uploads in progress: %s", error)
            return
        for path in paths:
            key = key_at(UPLOADS, path.name)
            if key is None or key in self._sizes or (path / DATA).exists():
                continue
            try:
                size = read_size(path)
            except (OSError, StorageUnavailable) as error:
                log.info("the space of %s is not promised: %s", key, error)
                continue
            if size is not None:
                self.add(key, size)


def _used(path: Path) -> int | None:
    """Return the bytes on disk of an upload in progress; None if there is none at `path`."""
    with suppress(FileNotFoundError):
        for file in path.iterdir():
            if file.name.startswith(PARTIAL):
                return file.stat().st_blocks * BLOCK
    return None
