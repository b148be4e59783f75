"""What is known of a blob: the bytes of one upload or of one result."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NewType

from shared.byte_ranges import RangeSet
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

BlobKey = NewType("BlobKey", str)
"""Slash-separated name of a blob; only `upload_key`, `result_key` and `parse_key` make one."""

_KEY = re.compile(r"[a-z0-9-]{1,64}(/[a-z0-9-]{1,64}){1,3}")


def upload_key(upload_id: UUID) -> BlobKey:
    """The key of an upload's bytes."""
    return BlobKey(f"uploads/{upload_id}")


def result_key(job_id: UUID, attempt: int) -> BlobKey:
    """The key of what one attempt of a job wrote; attempts never share one."""
    return BlobKey(f"results/{job_id}/{attempt}")


def parse_key(text: str) -> BlobKey:
    """Read a key that came from outside.

    Raises InvalidInput unless it consists of 2 to 4 segments of `a-z 0-9 -`, which no file
    system can mistake for a path that leads elsewhere.
    """
    if not _KEY.fullmatch(text):
        raise InvalidInput(f"not a blob key: {text!r}", field="key")
    return BlobKey(text)


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A blob as storage knows it: `received` is durable, `size` in bytes was declared first."""

    key: BlobKey
    size: int
    received: RangeSet = field(default_factory=RangeSet)
    sha256: str | None = None
    """Lower-case hex digest of the whole, where the creator declared one."""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every byte has been received. A complete blob never changes again."""
        return self.received.covers(0, self.size)
