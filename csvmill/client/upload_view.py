"""An upload as the server's API shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class UploadView:
    """What the server holds of a file. Sizes are in bytes."""

    id: str
    name: str
    size: int | None
    """None while it is not known."""
    sha256: str | None
    """That the whole was declared to have, in hexadecimal."""
    received_bytes: int
    complete: bool
    missing: tuple[tuple[int, int], ...]
    """`(start, stop)` of what is missing, from the beginning; if that is much, only the first."""
    job_id: str | None
    """The job that the upload has become."""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> UploadView:
        """Read the JSON of `GET /api/v1/uploads/{id}`; what a newer server adds is ignored."""
        return cls(
            id=answer["id"],
            name=answer["name"],
            size=answer["size"],
            sha256=answer["sha256"],
            received_bytes=answer["received_bytes"],
            complete=answer["complete"],
            missing=tuple((start, stop) for start, stop in answer["missing"]),
            job_id=answer["job"].rpartition("/")[2] if answer["job"] else None,
        )
