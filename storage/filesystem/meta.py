"""What was declared of a blob when it was created: `meta.json` in its folder."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from shared.errors import StorageUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from shared.blobs.blob import BlobKey

META = "meta.json"


@dataclass(frozen=True, slots=True)
class Meta:
    """What the creator of a blob declared."""

    key: BlobKey
    size: int | None
    sha256: str | None
    metadata: dict[str, str]
    created: float
    """Unix seconds."""
    size_came_later: bool = False
    """Whether `size` was declared after the blob had been created without."""


def new_meta(key: BlobKey, size: int | None, sha256: str | None, metadata: dict[str, str]) -> Meta:
    """The declaration of a blob that is created now."""
    return Meta(key, size, sha256, metadata, time.time())


def encode_meta(meta: Meta) -> bytes:
    """The content of the file."""
    return json.dumps(asdict(meta), indent=1).encode()


def read_meta(fd: int, place: Path) -> Meta:
    """Read it in the folder open as `fd`. Raises StorageUnavailable if it is damaged."""
    try:
        with os.fdopen(os.open(META, os.O_RDONLY, dir_fd=fd), "rb") as file:
            fields = json.load(file)
        return Meta(**fields)
    except (OSError, ValueError, TypeError) as error:
        raise StorageUnavailable(f"{place / META} is damaged: {error}") from error
