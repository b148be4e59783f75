"""The backends that can hold blobs, and the choice between them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from storage.filesystem.blobs import FilesystemBlobs
from storage.filesystem.reserve import reserved
from storage.filesystem.root import STAGING
from storage.metrics import StorageMetrics
from storage.s3.blobs import S3Blobs
from storage.s3.bucket import Bucket
from storage.s3.links import Links
from storage.s3.names import Names
from storage.s3.notes import Notes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from shared.blobs.listener import BlobListener
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
    if settings.blobs is None:
        return blobs
    return _in_object_storage(settings, settings.blobs, folder, blobs, counters)


@asynccontextmanager
async def _in_object_storage(
    settings: BackendSettings,
    place: str,
    folder: Path,
    local: FilesystemBlobs,
    listener: BlobListener,
) -> AsyncIterator[Blobs]:
    """The blobs in the bucket and below the prefix of `place`."""
    name, _, prefix = place.removeprefix("s3://").partition("/")
    prefix = prefix.rstrip("/")
    async with (
        local,
        Bucket(name, settings) as bucket,
        Links(name, settings, settings.blobs_public_endpoint) as links,
        S3Blobs(
            local,
            bucket,
            Names(f"{prefix}/" if prefix else ""),
            Notes(folder),
            folder / STAGING,
            listener,
            links=links,
            part_size=settings.blobs_part_size,
            orphan_age=settings.blobs_orphan_age,
        ) as blobs,
    ):
        yield blobs
