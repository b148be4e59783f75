"""Datasets: complete uploads, of which jobs can be asked. Values, no I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.blobs.blob import BlobKey

FOR_EVER = math.inf
"""The `keep_until` of an upload that is kept until it is deleted."""


@dataclass(frozen=True, slots=True)
class DatasetPosition:
    """The position of a dataset in lists, which are ordered by `created_at`, then `id`."""

    created_at: float
    """Unix seconds."""
    id: UUID


@dataclass(frozen=True, slots=True)
class Dataset:
    """A complete upload. Times are Unix seconds."""

    upload_id: UUID
    tenant: Tenant
    key: BlobKey
    name: str
    """The name of the file."""
    size: int
    """Bytes."""
    version: str | None
    """The version of the blob; None if an older csvmill received it."""
    sha256: str | None
    """Lower-case hex digest, if its sender declared one."""
    created_at: float
    """When its job was created, or else when it was complete."""
    keep_until: float | None = None
    """Until when it is kept although no job needs it, or `FOR_EVER`; None if it is not."""
    asked_at: float | None = None
    """When a job was last asked of it."""
    removed_at: float | None = None
    """When a client began to delete it. No job can be asked of it."""

    @property
    def position(self) -> DatasetPosition:
        """Where it stands in lists."""
        return DatasetPosition(self.created_at, self.upload_id)
