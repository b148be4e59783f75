"""What a job reads: one upload, or several in order. Values, no I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.blobs.blob import BlobKey

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class JobInput:
    """An upload as a job reads it."""

    upload_id: UUID
    key: BlobKey
    name: str
    """The name of the file."""
    size: int
    """Bytes."""
    version: str | None = None
    """The version of the blob (see `BlobInfo`); None if an older csvmill created the job."""
    sha256: str | None = None
    """Lower-case hex digest, if its sender declared one and the version is known."""
    url: str | None = None
    """Where it is fetched from, without what may be secret; None if a client sent it."""


def encode_inputs(inputs: Sequence[JobInput]) -> str:
    """Return inputs as ASCII text for `decode_inputs`."""
    return json.dumps(
        [
            {
                "upload_id": str(each.upload_id),
                "key": each.key,
                "name": each.name,
                "size": each.size,
                "version": each.version,
                "sha256": each.sha256,
                **({} if each.url is None else {"url": each.url}),
            }
            for each in inputs
        ]
    )


@lru_cache(maxsize=64)
def decode_inputs(text: str) -> tuple[JobInput, ...]:
    """Return the inputs in `text`. Fields that a newer csvmill has added are ignored."""
    # The row of a job is read for each of its heartbeats.
    return tuple(map(_input_of, json.loads(text)))


def _input_of(fields: dict[str, Any]) -> JobInput:
    return JobInput(
        UUID(fields["upload_id"]),
        BlobKey(fields["key"]),
        fields["name"],
        fields["size"],
        fields["version"],
        fields["sha256"],
        fields.get("url"),
    )
