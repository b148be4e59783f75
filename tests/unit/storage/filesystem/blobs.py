"""Keys and ranges of blobs."""

from __future__ import annotations

from uuid import UUID

from shared.blobs.blob import upload_key
from shared.blobs.byte_ranges import RangeSet

KEY = upload_key(UUID(int=1))
MIB = 1 << 20


def ranges(*pairs: tuple[int, int]) -> RangeSet:
    return RangeSet.of(pairs)
