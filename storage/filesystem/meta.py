"""`meta.json` in the folder of a blob: what its creator declared."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from shared.errors import BlobConflict, DigestMismatch, InvalidInput, StorageUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from shared.blobs.blob import BlobInfo, BlobKey, Declaration

META = "meta.json"
MAX_SIZE = (1 << 63) - 1
"""Bytes of the largest blob: the limit of file offsets."""
MAX_METADATA = 64 << 10
"""Bytes of the largest metadata, as JSON."""

log = logging.getLogger(__name__)

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Meta:
    """The declaration of a blob."""

    key: BlobKey
    size: int | None
    sha256: str | None
    metadata: dict[str, str]
    created: float
    """Unix seconds."""
    size_came_later: bool = False
    """Whether `size` was declared after the creation."""
    discards: int = 0
    """How often received bytes were discarded, or forgotten as the journal was damaged."""


def new_meta(key: BlobKey, size: int | None, sha256: str | None, metadata: dict[str, str]) -> Meta:
    """Return the declaration of a blob that is created now."""
    return Meta(key, size, sha256, metadata, time.time())


def check_declaration(size: int | None, sha256: str | None, metadata: dict[str, str]) -> None:
    """Raise InvalidInput if a declared value is invalid.

    Raises DigestMismatch if the blob is declared empty and `sha256` is not that of no bytes.
    """
    if size is not None and not 0 <= size <= MAX_SIZE:
        raise InvalidInput(f"size {size} is not between 0 and {MAX_SIZE} bytes", field="size")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise InvalidInput(f"sha256 {sha256!r} is not 64 lower-case hex digits", field="sha256")
    if len(json.dumps(metadata).encode()) > MAX_METADATA:
        raise InvalidInput(f"metadata exceeds {MAX_METADATA} bytes as JSON", field="metadata")
    if size == 0 and sha256 not in (None, hashlib.sha256().hexdigest()):
        raise DigestMismatch(f"the declared digest {sha256} is not that of an empty blob")


def version_of(meta: Meta) -> str:
    """Return the version of the blob's bytes (see `BlobInfo`)."""
    return f"{meta.created!r}-{meta.discards}"


def encode_meta(meta: Meta) -> bytes:
    """Encode the content of the file."""
    fields = asdict(meta)
    if not meta.discards:
        del fields["discards"]  # versions of storage before do not know it
    return json.dumps(fields).encode()


def read_meta(fd: int, path: Path) -> Meta:
    """Read `meta.json` of the folder at `path`, which is open as `fd`.

    Raises StorageUnavailable if it is missing or damaged.
    """
    try:
        with os.fdopen(os.open(META, os.O_RDONLY, dir_fd=fd), "rb") as file:
            fields = json.load(file)
        return Meta(**fields)
    except (OSError, ValueError, TypeError) as error:
        log.warning("%s is damaged: %s", path / META, error)
        # Clients see the message, and no paths of this machine.
        raise StorageUnavailable(f"blob {path.name}: {META} is damaged") from error


def read_size(path: Path) -> int | None:
    """Return the declared size of the blob in the folder `path`. Raises as `read_meta`, OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return read_meta(fd, path).size
    finally:
        os.close(fd)


def check_conflict(info: BlobInfo, declaration: Declaration) -> None:
    """Raise BlobConflict unless a blob that exists has the declared size and digest, if any."""
    size, sha256 = declaration.size, declaration.sha256
    if size is not None and info.size != size:
        raise BlobConflict(f"blob {info.key} exists with {info.size} bytes, not {size}")
    if sha256 is not None and info.sha256 != sha256:
        raise BlobConflict(
            f"blob {info.key} exists with digest {info.sha256 or 'undeclared'}, not {sha256}"
        )
