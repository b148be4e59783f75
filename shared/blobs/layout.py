"""Where a storage root keeps the bytes of a complete blob.

Storage writes this layout, and a processor that has the root mounted read-only may read by it.
A file named `data` stands in a blob's folder from the moment the blob is complete, never before.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shared.blobs.blob import BlobKey, parse_key
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

DATA = "data"


def blob_folder(root: Path, key: BlobKey) -> Path:
    """The folder of a blob: `results/<job>/1` lives in `<root>/results/<job>.1`.

    Segments of a key hold no dot, so no two keys share a folder and none is inside another.
    """
    kind, _, name = key.partition("/")
    return root / kind / name.replace("/", ".")


def key_at(kind: str, folder: str) -> BlobKey | None:
    """The key of the blob whose folder has that name below `<root>/<kind>`; None if none can."""
    try:
        return parse_key(f"{kind}/{folder.replace('.', '/')}")
    except InvalidInput:
        return None


def complete_data(root: Path, key: BlobKey) -> Path | None:
    """The file with the bytes of a blob, if the blob is complete and the file is readable."""
    path = blob_folder(root, key) / DATA
    return path if os.access(path, os.R_OK) else None
