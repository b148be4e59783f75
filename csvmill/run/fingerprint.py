"""Which file a run is about, so that it is never continued with another."""

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
"""Bytes of each."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Size, time of change and a sample of a file: cheap, however large the file.

    Who changes a file in the middle, and sets its time back, is not found out.
    """

    size: int
    """Bytes."""
    mtime_ns: int | None
    """None for what came through a pipe: then `sha256` is that of the whole."""
    sha256: str
    """Of the samples, in hexadecimal."""

    def difference(self, other: Fingerprint) -> str | None:
        """What about `other` is different, for people; None if it is the same file."""
        if self.size != other.size:
            return f"it had {self.size:,} bytes and has {other.size:,}"
        if self.sha256 != other.sha256:
            return "its content is another one"
        if self.mtime_ns != other.mtime_ns:
            return "it was written to, or replaced"
        return None


def fingerprint(path: Path) -> Fingerprint:
    """Take a file's fingerprint. Blocks.

    Raises ClientError if it is no regular file, OSError if it cannot be read.
    """
    with Source(path) as source:
        digest = hashlib.sha256()
        last = max(0, source.size - SAMPLE_SIZE)
        for number in range(SAMPLES):
            offset = last * number // (SAMPLES - 1)
            digest.update(source.read(offset, min(SAMPLE_SIZE, source.size - offset)))
        return Fingerprint(source.size, source.mtime_ns, digest.hexdigest())


def fingerprint_of_whole(path: Path, sha256: str) -> Fingerprint:
    """That of content that was copied to `path`, whose time of change says nothing."""
    return Fingerprint(os.stat(path).st_size, None, sha256)  # noqa: PTH116
