"""Keeps a part of the disk free of uploads, for the database and for results."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from shared.blobs.blob import UPLOADS
from shared.errors import StorageFull

if TYPE_CHECKING:
    from pathlib import Path

    from shared.blobs.blob import BlobKey

MOST = 1 << 30
SHARE = 20
"""By default a twentieth of the disk is kept free, and no more than `MOST` bytes."""
LOOK_AGAIN = 0.2
"""Seconds for which enough free space is believed to stay enough."""


def reserved(size: int | None, total: int) -> int:
    """Return the bytes that are kept free on a disk of `total` bytes (None: the default)."""
    return min(MOST, total // SHARE) if size is None else size


class Reserve:
    """Refuses bytes of uploads while fewer than `size` bytes are free (None: the default).

    Results are stored and everything is read and deleted as long as the disk has any space.
    """

    def __init__(self, folder: Path, size: int | None) -> None:
        self._folder = folder
        self._size = size
        self._looked_at = -LOOK_AGAIN
        self._missing = 0

    def check(self, key: BlobKey) -> None:
        """Raise StorageFull if a blob with this key may not grow now."""
        if key.startswith(f"{UPLOADS}/"):
            self.check_uploads()

    def check_uploads(self) -> None:
        """Raise StorageFull if no upload may grow now."""
        if self._size == 0:
            return
        now = time.monotonic()
        if self._missing > 0 or now - self._looked_at >= LOOK_AGAIN:
            usage = shutil.disk_usage(self._folder)
            self._looked_at, self._missing = now, reserved(self._size, usage.total) - usage.free
        if self._missing > 0:
            raise StorageFull(
                "the disk has space left for results only; send the bytes again when there is more"
            )
