"""An upload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from shared.api.described import AlsoJsonSchema, WithJsonSchema
from shared.api.view import Count, Id, Path, Sha256, View

MAX_RANGES = 1000
"""The most ranges that each of `received` and `missing` shows."""

Range = Annotated[
    tuple[int, int],
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 0},
            "minItems": 2,
            "maxItems": 2,
        }
    ),
]
Ranges = Annotated[tuple[Range, ...], AlsoJsonSchema({"maxItems": MAX_RANGES})]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadStartView(View):
    """How far a processor has aggregated an upload that is still being received."""

    aggregated_bytes: Count
    """Bytes of the file that have been read."""
    rows: Count | None
    """Rows that have been read, without the header; null if unknown."""
    rows_estimated: bool
    """Whether `rows` is an estimate."""
    rows_rejected: Count
    """Bad rows found so far."""
    first_problem: str | None
    """What is wrong with the first bad row."""
    ended: str | None
    """Why it has ended; null while it lasts. The job will read the file after the upload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadView(View):
    """A file that is being received."""

    id: Id
    """The id of the upload."""
    name: str
    """The name of the file."""
    size: Count | None
    """Bytes of the file; null while that is unknown."""
    sha256: Sha256 | None
    """The declared SHA-256, in hexadecimal."""
    complete: bool
    """Whether every byte has been received."""
    received_bytes: Count
    """How many bytes have been received."""
    received: Ranges = ()
    """The first ranges that have been received, as offsets `[start, stop]`, `stop` exclusive."""
    missing: Ranges
    """The first ranges that have not been received."""
    job: Path | None
    """The path of the upload's job, once it is complete."""
    head_start: HeadStartView | None = None
    """How far the file has been aggregated, if that began while it is received; only in answers to
    GET."""

    @property
    def job_id(self) -> str | None:
        """The id of the upload's job, once it is complete."""
        return self.job.rpartition("/")[2] if self.job else None
