"""Shows complete uploads as `/api/v1` does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from shared.api.dataset import SHOWN_JOBS, DatasetView
from shared.api.view import rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.jobs.dataset import Dataset
    from shared.ports import Datasets


async def dataset_views(
    store: Datasets, datasets: Sequence[Dataset], now: float
) -> list[DatasetView]:
    """Return uploads as the API shows them at a time in Unix seconds, with their latest jobs."""
    ids = [each.upload_id for each in datasets]
    latest = await store.jobs_of(ids, limit=SHOWN_JOBS)
    return [_view(each, latest.get(each.upload_id, ()), now) for each in datasets]


def _view(dataset: Dataset, jobs: Sequence[UUID], now: float) -> DatasetView:
    until = dataset.keep_until
    kept = until is not None and until > now
    return DatasetView(
        id=str(dataset.upload_id),
        name=dataset.name,
        size=dataset.size,
        sha256=dataset.sha256,
        created_at=rfc3339(dataset.created_at),
        keep=kept,
        expires_at=rfc3339(until) if until is not None and kept and math.isfinite(until) else None,
        jobs=tuple(map(str, jobs)),
    )
