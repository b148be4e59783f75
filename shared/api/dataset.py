"""Uploads of which jobs can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from shared.api.described import AlsoJsonSchema
from shared.api.view import Count, Id, Path, Sha256, Time, View

SHOWN_JOBS = 20
"""How many of the jobs of an upload are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetView(View):
    """A complete upload, of which jobs can be asked."""

    id: Id
    """The id of the upload."""
    name: str
    """The name of the file."""
    size: Count
    """Bytes of the file."""
    sha256: Sha256 | None
    """The declared SHA-256, in hexadecimal."""
    created_at: Time
    """When the upload was complete, or its job was created."""
    keep: bool
    """Whether it is kept although no job needs it."""
    expires_at: Time | None
    """Until when it is kept; null until it is deleted, or if it is only kept while jobs need it."""
    jobs: Annotated[tuple[Id, ...], AlsoJsonSchema({"maxItems": SHOWN_JOBS})]
    """The ids of the latest jobs that read the upload, the newest first; its own is one of them."""


@dataclass(frozen=True, slots=True)
class DatasetListView(View):
    """One page of the list of uploads, newest first."""

    uploads: tuple[DatasetView, ...]
    next: Path | None
    """The path of the next page; null on the last one."""
