"""What a server remembers of blobs that are in object storage: small files on its own disk.

Nothing is lost with them: without a note, a blob counts as last used when it became complete.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from shared.blobs.layout import blob_folder

if TYPE_CHECKING:
    from pathlib import Path

    from shared.blobs.blob import BlobKey

USES = ".used"
EPOCHS = ".epochs"
"""The folders of the notes, in that of the blobs. Keys have no dots, so these are no blobs."""


class Notes:
    """Notes below the folder `root`. Everything here blocks. Raises OSError."""

    def __init__(self, root: Path) -> None:
        self._uses = root / USES
        self._epochs = root / EPOCHS
        self._changing = threading.Lock()
        """Held while an epoch is compared and changed, as threads do both."""

    def use(self, key: BlobKey, now: float) -> None:
        """Remember that the blob was used at `now` (Unix seconds)."""
        path = blob_folder(self._uses, key)
        try:
            os.utime(path, (now, now))
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            os.utime(path, (now, now))

    def last_use(self, key: BlobKey) -> float | None:
        """Return the last use that is remembered, in Unix seconds."""
        try:
            return blob_folder(self._uses, key).stat().st_mtime
        except FileNotFoundError:
            return None

    def remember_epoch(self, key: BlobKey, epoch: int) -> int:
        """Remember the epoch of an upload unless a higher one is known; return the highest."""
        path = blob_folder(self._epochs, key)
        with self._changing:
            known = self.epoch(key)
            if epoch > known:
                path.parent.mkdir(parents=True, exist_ok=True)
                new = path.with_name(f"{path.name}~")
                new.write_text(str(epoch))
                new.replace(path)
        return max(epoch, known)

    def epoch(self, key: BlobKey) -> int:
        """Return the epoch of an upload; 0 if none is remembered."""
        try:
            return int(blob_folder(self._epochs, key).read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def forget_use(self, key: BlobKey) -> None:
        """Forget when the blob was used."""
        blob_folder(self._uses, key).unlink(missing_ok=True)

    def forget(self, key: BlobKey) -> None:
        """Forget everything of a blob."""
        self.forget_use(key)
        blob_folder(self._epochs, key).unlink(missing_ok=True)
