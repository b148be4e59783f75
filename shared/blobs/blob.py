"""What is known of a blob: the bytes of one upload or of one result."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NewType
from uuid import UUID

from shared.blobs.byte_ranges import RangeSet
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

BlobKey = NewType("BlobKey", str)
"""Slash-separated name of a blob; only `upload_key`, `result_key`, `rejects_key`, `preview_key` and
`parse_key` make one."""

UPLOADS = "uploads"
RESULTS = "results"
"""The kinds of blobs: the first segments of their keys."""

REJECTS = "rejects"
"""The last segment of the key of a job's rejects."""
PREVIEW = "preview"
"""The same of the first rows of its result, where they stand beside it."""

_KIND = re.compile(r"[a-z0-9-]{1,64}")
_KEY = re.compile(r"[a-z0-9-]{1,64}(/[a-z0-9-]{1,64}){1,3}")


def upload_key(upload_id: UUID) -> BlobKey:
    """The key of an upload's bytes."""
    return BlobKey(f"{UPLOADS}/{upload_id}")


def result_key(job_id: UUID, attempt: int) -> BlobKey:
    """The key of what one attempt of a job wrote; attempts never share one."""
    return BlobKey(f"{RESULTS}/{job_id}/{attempt}")


def rejects_key(job_id: UUID, attempt: int) -> BlobKey:
    """The key of the records that one attempt of a job left out, which stand beside its result."""
    return BlobKey(f"{RESULTS}/{job_id}/{attempt}/{REJECTS}")


def preview_key(job_id: UUID, attempt: int) -> BlobKey:
    """The key of the first rows of what one attempt of a job wrote (see `shared.jobs.preview`)."""
    return BlobKey(f"{RESULTS}/{job_id}/{attempt}/{PREVIEW}")


def upload_of(key: BlobKey) -> UUID | None:
    """The upload whose bytes have this key; None if it is no upload's."""
    kind, _, upload_id = key.partition("/")
    try:
        return UUID(upload_id) if kind == UPLOADS else None
    except ValueError:
        return None


def attempt_of(key: BlobKey) -> tuple[UUID, int] | None:
    """The job and the number of the attempt that wrote to this key, whatever of its output it is.

    None if it is another's.
    """
    try:
        kind, job_id, attempt, *beside = key.split("/")
        if beside not in ([], [REJECTS], [PREVIEW]):
            return None
        return (UUID(job_id), int(attempt)) if kind == RESULTS else None
    except ValueError:
        return None


def parse_kind(text: str) -> str:
    """Read a kind of blobs that came from outside. Raises InvalidInput if it cannot be one."""
    if not _KIND.fullmatch(text):
        raise InvalidInput(f"not a kind of blobs: {text!r}", field="kind")
    return text


def parse_key(text: str) -> BlobKey:
    """Read a key that came from outside.

    Raises InvalidInput unless it consists of 2 to 4 segments of `a-z 0-9 -`, which no file
    system can mistake for a path that leads elsewhere.
    """
    if not _KEY.fullmatch(text):
        raise InvalidInput(f"not a blob key: {text!r}", field="key")
    return BlobKey(text)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the creator of a blob declares. `metadata` is stored as it is."""

    size: int | None
    """Bytes; None if the size is declared later."""
    sha256: str | None = None
    """Lower-case hex digest of the whole; the blob becomes complete only if its bytes have it."""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A blob as storage knows it: `received` is durable, `size` in bytes was declared."""

    key: BlobKey
    size: int | None
    """None until it is declared, which may be after bytes have been received."""
    received: RangeSet = field(default_factory=RangeSet)
    sha256: str | None = None
    """Lower-case hex digest of the whole, where the creator declared one."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    completed_at: float | None = None
    """Since when it is complete, by storage's clock: Unix seconds; None before."""

    @property
    def complete(self) -> bool:
        """Whether every byte has been received. A complete blob never changes again."""
        return self.size is not None and self.received.covers(0, self.size)

    @property
    def prefix(self) -> int:
        """How many bytes have been received from the beginning on, without a gap."""
        first = self.received.ranges[:1]
        return first[0].stop if first and first[0].start == 0 else 0


@dataclass(frozen=True, slots=True)
class AppendLease:
    """The right to append to a blob, until somebody takes it over."""

    blob: BlobInfo
    """As it stood when the turn began, and nobody else was bringing bytes any more."""
    token: int
    """Fencing token: a later turn of the same blob has a higher one."""


@dataclass(frozen=True, slots=True)
class BlobActivity:
    """When a blob was last in use."""

    key: BlobKey
    idle: float
    """Seconds since the last `create`, `write` or `info`, by storage's own clock."""
    complete: bool
