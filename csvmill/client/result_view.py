"""Size and digest of a result as the server's API shows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResultView:
    """A file of a job, as the server described it before the download."""

    size: int
    """Bytes."""
    etag: str
    """The entity-tag as in the header, with quotes."""
    sha256: str
    """In hexadecimal."""
