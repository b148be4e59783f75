"""Identify the input of a run, so that a run is never continued with another file."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csvmill.client.source import Source

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = 16
SAMPLE_SIZE = 64 << 10
"""Bytes of each sample."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Size, modification time and a digest of samples: cheap for a file of any size.

    A change between the samples is missed if the modification time was reset.
    """

    size: int
    """Bytes."""
    mtime_ns: int | None
    """None for input from a pipe; `sha256` is then the digest of the whole input."""
    sha256: str
    """Of the samples, in hexadecimal."""

    def difference(self, other: Fingerprint) -> str | None:
        """Return how `other` differs, as text for people, or None if it is the same file."""
        if self.size != other.size:
            return f"it had {self.size:,} bytes and now has {other.size:,}"
        if self.sha256 != other.sha256:
            return "its content is different"
        if self.mtime_ns != other.mtime_ns:
            return "it was modified or replaced"
        return None


def fingerprint(path: Path) -> Fingerprint:
    """Return the fingerprint of a file. Blocks.

    Raises ClientError if it is not a regular file, OSError if it cannot be read.
    """
    with Source(path) as source:
        digest = hashlib.sha256()
        last = max(0, source.size - SAMPLE_SIZE)
        for number in range(SAMPLES):
            offset = last * number // (SAMPLES - 1)
            digest.update(source.read(offset, min(SAMPLE_SIZE, source.size - offset)))
        return Fingerprint(source.size, source.mtime_ns, digest.hexdigest())


def fingerprint_of_pipe(path: Path, sha256: str) -> Fingerprint:
    """Return the fingerprint of piped input that was saved at `path` and has this digest."""
    return Fingerprint(os.stat(path).st_size, None, sha256)  # noqa: PTH116
