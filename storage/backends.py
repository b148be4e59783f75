"""The backends that can hold blobs, and the choice between them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from storage.filesystem.blobs import FilesystemBlobs
from storage.filesystem.reserve import reserved
from storage.metrics import StorageMetrics

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from shared.ports import Blobs
    from shared.telemetry.metrics import Metrics
    from storage.settings import BackendSettings


def open_blobs(
    settings: BackendSettings, folder: Path, metrics: Metrics
) -> AbstractAsyncContextManager[Blobs]:
    """Return the backend that `settings` select, as a context that opens and closes it.

    `folder` holds the blobs, or what the backend keeps on this machine. The backend counts in
    `metrics`. Entering raises StorageUnavailable if the backend cannot be used.
    """
    counters = metrics.of(StorageMetrics)
    blobs = FilesystemBlobs(
        folder,
        settings.storage_fsync == "always",
        listener=counters,
        reserve=settings.disk_reserve,
    )
    kept = partial(reserved, settings.disk_reserve)
    metrics.sample(counters.disk_usage(folder, kept, blobs.promised))
    return blobs
