"""The metrics of storage: bytes, chunks, blobs, and free space."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from shared.blobs.blob import RESULTS, UPLOADS
from shared.telemetry.sampling import Sample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from shared.blobs.blob import BlobKey
    from shared.blobs.listener import BlobEvent

KINDS = (UPLOADS, RESULTS, "other")
EVENTS: tuple[BlobEvent, ...] = ("begun", "removed", "expired")


class StorageMetrics:
    """A `shared.blobs.listener.BlobListener` that counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str) -> Counter:
            family = Counter(f"csvmill_storage_{name}_total", text, ["kind"], registry=registry)
            for kind in KINDS:
                family.labels(kind)
            return family

        self._chunks = counter("chunks", "Chunks stored durably.")
        self._received = counter("received_bytes", "Bytes of these chunks, repeated ones too.")
        self._sent = counter("sent_bytes", "Bytes of blobs that were read.")
        self._blobs = Counter(
            "csvmill_storage_blobs_total",
            "Blobs that were begun, removed, or expired (removed because they were idle).",
            ["kind", "state"],
            registry=registry,
        )
        for kind in KINDS:
            for event in EVENTS:
                self._blobs.labels(kind, event)
        self._free = Gauge(
            "csvmill_storage_free_bytes",
            "Bytes that this process may still use on the file system of the blobs.",
            registry=registry,
        )
        self._reserve = Gauge(
            "csvmill_storage_reserve_bytes",
            "Free bytes below which uploads are refused.",
            registry=registry,
        )
        self._promised = Gauge(
            "csvmill_storage_promised_bytes",
            "Bytes that uploads in progress have declared and that are kept free for them.",
            registry=registry,
        )
        self._size = Gauge(
            "csvmill_storage_size_bytes",
            "Size of the file system of the blobs.",
            registry=registry,
        )

    def chunk_stored(self, key: BlobKey, size: int) -> None:
        """See `BlobListener`."""
        kind = _kind(key)
        self._chunks.labels(kind).inc()
        self._received.labels(kind).inc(size)

    def blob_changed(self, key: BlobKey, event: BlobEvent) -> None:
        """See `BlobListener`."""
        self._blobs.labels(_kind(key), event).inc()

    def bytes_read(self, key: BlobKey, size: int) -> None:
        """See `BlobListener`."""
        self._sent.labels(_kind(key)).inc(size)

    def disk_usage(
        self, folder: Path, reserved: Callable[[int], int], promised: Callable[[], int]
    ) -> Sample:
        """Return a sample of the free, total and reserved bytes of the file system of `folder`.

        `reserved` returns what is kept free on a disk of so many bytes, and `promised` what is kept
        free for uploads in progress; it may block.
        """

        async def measure() -> tuple[float, float, float, float]:
            usage = await asyncio.to_thread(shutil.disk_usage, folder)
            return (
                usage.free,
                usage.total,
                reserved(usage.total),
                await asyncio.to_thread(promised),
            )

        return Sample("disk", (self._free, self._size, self._reserve, self._promised), measure)


def _kind(key: BlobKey) -> str:
    kind = key.partition("/")[0]
    return kind if kind in KINDS else "other"
