"""Keeps space of the disk for the database and results, and for what uploads have declared."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.blobs.blob import UPLOADS
from shared.errors import StorageFull
from storage.filesystem.promises import Promises

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.blobs.blob import BlobKey

MOST = 1 << 30
SHARE = 20
"""By default a twentieth of the disk is kept free, and no more than `MOST` bytes."""
SMALL = 1 << 20
"""Bytes of an upload for which no space is kept: it takes a little of the reserve at most."""
LOOK_AGAIN = 0.2
"""Seconds for which enough free space is believed to stay enough."""


def reserved(size: int | None, total: int) -> int:
    """Return the bytes that are kept free on a disk of `total` bytes (None: the default)."""
    return min(MOST, total // SHARE) if size is None else size


class Reserve:
    """Refuses bytes of uploads while fewer than `size` bytes are free (None: the default).

    What an upload declares is kept free for it until it has arrived. Results are stored and
    everything is read and deleted as long as the disk has any space. With a `size` of 0, nothing is
    kept free.
    """

    def __init__(self, folder: Path, size: int | None) -> None:
        self._folder = folder
        self._size = size
        self._looked_at = -LOOK_AGAIN
        self._room = 0
        self.promises = Promises(folder)

    @property
    def keeps(self) -> bool:
        """Whether anything is kept free."""
        return self._size != 0

    def check(self, key: BlobKey) -> None:
        """Raise StorageFull if a blob with this key may not grow now."""
        if self._spares(key):
            self._check_room()
            if key not in self.promises and self._room < self.promises.at_most:
                self._check_room_for(0)

    def check_uploads(self) -> None:
        """Raise StorageFull if no upload may grow now."""
        if self.keeps:
            self._check_room()

    def check_size(self, key: BlobKey, size: int) -> None:
        """Raise StorageFull if a new blob of `size` bytes does not fit; blocks."""
        if self._spares(key):
            self._check_room_for(size)

    def promise(self, key: BlobKey, size: int, *, new: bool = False) -> None:
        """Keep the space for a blob that is declared with this size; blocks.

        Raises StorageFull if it does not fit. `new`: see `Promises.add`.
        """
        if self._spares(key) and size > SMALL:
            self.promises.tidy()
            self.promises.add(key, size, new=new)
            try:
                self._check_room_for(0, declared=size)
            except BaseException:
                self.promises.remove(key)
                raise

    @contextmanager
    def promised(self, key: BlobKey, size: int | None) -> Iterator[None]:
        """Keep the space for a blob whose folder is made within the context; blocks.

        Raises StorageFull if it does not fit. If the context raises, the space is free again.
        """
        if size is not None:
            self.promise(key, size, new=True)
        try:
            yield
        except BaseException:
            self.promises.remove(key)
            raise
        self.promises.made(key)

    def _spares(self, key: BlobKey) -> bool:
        return self.keeps and key.startswith(f"{UPLOADS}/")

    def _check_room(self) -> None:
        now = time.monotonic()
        if self._room < 0 or now - self._looked_at >= LOOK_AGAIN:
            self._look()
        if self._room < 0:
            raise StorageFull(
                "the disk has space left for results only; send the bytes again when there is more"
            )

    def _check_room_for(self, size: int, declared: int = 0) -> None:
        """Raise StorageFull unless `size` bytes fit beside all that is declared."""
        self._look()
        if size + self.promises.at_most <= self._room:
            return
        left = self._room - self.promises.measure()
        if size > left:
            needed = max(size, declared)
            what = f"a file of {needed:,} bytes" if needed else "more bytes"
            raise StorageFull(
                f"no disk space for {what}: {max(0, left + declared):,} bytes are left beside what "
                "other uploads have declared"
            )

    def _look(self) -> None:
        usage = shutil.disk_usage(self._folder)
        self._room = usage.free - reserved(self._size, usage.total)
        self._looked_at = time.monotonic()
