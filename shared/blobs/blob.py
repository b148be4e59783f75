"""Keys and values of blobs: the bytes of an upload, a result, or a file beside a result."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NewType
from uuid import UUID

from shared.blobs.byte_ranges import RangeSet
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

BlobKey = NewType("BlobKey", str)
"""The slash-separated name of a blob. Created only by `upload_key`, `result_key`, `rejects_key`,
`preview_key` and `parse_key`."""

UPLOADS = "uploads"
RESULTS = "results"
"""The kinds of blobs: the first segments of their keys."""

REJECTS = "rejects"
"""The last segment of the key of rejects."""
PREVIEW = "preview"
"""The last segment of the key of a preview that is stored separately."""

_KIND = re.compile(r"[a-z0-9-]{1,64}")
_KEY = re.compile(r"[a-z0-9-]{1,64}(/[a-z0-9-]{1,64}){1,3}")


def upload_key(upload_id: UUID, group: str = "") -> BlobKey:
    """Return the key of an upload, in a group of its own if one is named.

    A group is a segment of a key: see `parse_key`, and `shared.uploads.keys`.
    """
    return BlobKey("/".join([UPLOADS, *filter(None, [group]), str(upload_id)]))


def result_key(job_id: UUID, attempt: int) -> BlobKey:
    """Return the key of the result of one attempt of a job."""
    return BlobKey(f"{RESULTS}/{job_id}/{attempt}")


def rejects_key(job_id: UUID, attempt: int) -> BlobKey:
    """Return the key of the records that one attempt of a job rejected."""
    return BlobKey(f"{RESULTS}/{job_id}/{attempt}/{REJECTS}")


def preview_key(job_id: UUID, attempt: int) -> BlobKey:
    """Return the key of the first rows of the result of an attempt (see `shared.jobs.preview`)."""
    return BlobKey(f"{RESULTS}/{job_id}/{attempt}/{PREVIEW}")


def upload_of(key: BlobKey) -> UUID | None:
    """Return the id of the upload with this key; None if the key is not an upload's."""
    kind, *group, upload_id = key.split("/")
    try:
        return UUID(upload_id) if kind == UPLOADS and len(group) <= 1 else None
    except ValueError:
        return None


def group_of(key: BlobKey) -> str:
    """Return the group in the key of an upload; nothing if it has none."""
    return key.partition("/")[2].rpartition("/")[0]


def attempt_of(key: BlobKey) -> tuple[UUID, int] | None:
    """Return the job and the number of the attempt that wrote a result, rejects or preview.

    Returns None for any other key.
    """
    try:
        kind, job_id, attempt, *suffix = key.split("/")
        if suffix not in ([], [REJECTS], [PREVIEW]):
            return None
        return (UUID(job_id), int(attempt)) if kind == RESULTS else None
    except ValueError:
        return None


def parse_kind(text: str) -> str:
    """Validate a kind of blobs from outside. Raises InvalidInput."""
    if not _KIND.fullmatch(text):
        raise InvalidInput(f"not a kind of blobs: {text!r}", field="kind")
    return text


def parse_key(text: str) -> BlobKey:
    """Validate a key from outside.

    Raises InvalidInput unless it has 2 to 4 segments of `a-z`, `0-9` and `-`. So a key cannot be
    a path that leads out of the folder of the blobs.
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
    """The state of a blob. `received` is durable; `size`, in bytes, was declared."""

    key: BlobKey
    size: int | None
    """None until it is declared, which may be after bytes were received."""
    received: RangeSet = field(default_factory=RangeSet)
    sha256: str | None = None
    """Lower-case hex digest of all bytes, if the creator declared one."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    completed_at: float | None = None
    """Unix seconds of completion, by storage's clock; None until the blob is complete."""
    version: str = ""
    """Changes when the bytes are discarded, or the blob is deleted and created again: bytes that
    were read of one version are those of the blob for as long as it has this version."""

    @property
    def complete(self) -> bool:
        """Whether every byte has been received. A complete blob never changes again."""
        return self.size is not None and self.received.covers(0, self.size)

    @property
    def prefix(self) -> int:
        """The number of bytes received from the start without a gap."""
        return self.received.prefix


if TYPE_CHECKING:
    Admit = Callable[[BlobInfo], Awaitable[None]]
    """Decides by the state of a blob whether bytes may be written; raises if not."""


@dataclass(frozen=True, slots=True)
class AppendLease:
    """The right to append to a blob, until another lease is granted."""

    blob: BlobInfo
    """The blob when the lease was granted, after earlier appends had ended."""
    token: int
    """Fencing token: a later lease of the same blob has a higher one."""


@dataclass(frozen=True, slots=True)
class BlobActivity:
    """When a blob was last used."""

    key: BlobKey
    idle: float
    """Seconds since the last use (see `Blobs.expire`), by storage's clock."""
    complete: bool
    used: float | None = None
    """The last use, for `Blobs.expire`; None if storage does not tell it."""


def check_idle_time(idle_for: float) -> None:
    """Check the seconds of `Blobs.expire`. Raises InvalidInput unless finite and not negative."""
    if not 0 <= idle_for < math.inf:
        raise InvalidInput(f"idle_for {idle_for} is not a number of seconds", field="idle_for")
