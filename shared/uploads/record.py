"""Records uploads that are complete, and have no job, or are kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.jobs.dataset import Dataset
from shared.uploads.keys import tenant_of
from shared.uploads.metadata import filename_of, kept_for

if TYPE_CHECKING:
    from uuid import UUID

    from shared.blobs.blob import BlobInfo
    from shared.ports import Datasets


def dataset_of(upload_id: UUID, blob: BlobInfo, filename: str | None = None) -> Dataset:
    """Return a complete upload as a dataset. Raises ValueError if it is not complete."""
    if blob.size is None:
        raise ValueError(f"upload {upload_id} is not complete: it has no size")
    seconds = kept_for(blob.metadata)
    completed_at = blob.completed_at or time.time()
    return Dataset(
        upload_id,
        tenant_of(blob.key),
        blob.key,
        filename or filename_of(upload_id, blob.metadata),
        blob.size,
        blob.version or None,
        blob.sha256,
        completed_at,
        None if seconds is None else completed_at + seconds,
    )


async def record(
    datasets: Datasets, upload_id: UUID, blob: BlobInfo, filename: str | None = None
) -> bool:
    """Record a complete upload, and how long it is kept; return whether it was not known.

    Idempotent: any number of services may call this for one upload.
    """
    known = await datasets.get(upload_id)
    dataset = dataset_of(upload_id, blob, filename)
    if known is not None and known.version == dataset.version:
        return False
    return await datasets.record(dataset)
