"""The layout of the storage root, where it concerns complete blobs.

Storage writes it. A processor that has the root mounted may read it. A blob's folder contains a
file named `data` if and only if the blob is complete.
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
    """Return the folder of a blob: `<root>/results/<job>.1` for `results/<job>/1`.

    Segments of a key have no dots. So two keys never share a folder, nor is one inside another.
    """
    kind, _, name = key.partition("/")
    return root / kind / name.replace("/", ".")


def key_at(kind: str, folder: str) -> BlobKey | None:
    """Return the key of the blob in `<root>/<kind>/<folder>`; None if the name is not a blob's."""
    try:
        return parse_key(f"{kind}/{folder.replace('.', '/')}")
    except InvalidInput:
        return None


def complete_data(root: Path, key: BlobKey) -> Path | None:
    """Return the data file of a blob if the blob is complete and the file is readable."""
    path = blob_folder(root, key) / DATA
    return path if os.access(path, os.R_OK) else None
