"""What storage counts: bytes, chunks, and the room that is left."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from shared.blobs.blob import RESULTS, UPLOADS
from shared.telemetry.sampling import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from shared.blobs.blob import BlobKey

KINDS = (UPLOADS, RESULTS, "other")
STATES = ("begun", "removed", "expired")


class StorageMetrics:
    """Counted once for each chunk and each answer, never for a piece of one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str) -> Counter:
            made = Counter(f"csvmill_storage_{name}_total", text, ["kind"], registry=registry)
            for kind in KINDS:
                made.labels(kind)
            return made

        self._chunks = counter("chunks", "Chunks that are stored durably.")
        self._received = counter("received_bytes", "Bytes of these chunks, repeated ones too.")
        self._sent = counter("sent_bytes", "Bytes of blobs that were read.")
        self._blobs = Counter(
            "csvmill_storage_blobs_total",
            "Blobs that were begun, removed, or removed as nobody had used them for long enough.",
            ["kind", "state"],
            registry=registry,
        )
        for kind in KINDS:
            for state in STATES:
                self._blobs.labels(kind, state)
        self._free = Gauge(
            "csvmill_storage_free_bytes",
            "Room on the file system of the blobs, as far as this process may use it.",
            registry=registry,
        )
        self._size = Gauge(
            "csvmill_storage_size_bytes",
            "Size of the file system of the blobs.",
            registry=registry,
        )

    def chunk_stored(self, key: BlobKey, size: int) -> None:
        """A chunk of `size` bytes was acknowledged."""
        kind = _kind(key)
        self._chunks.labels(kind).inc()
        self._received.labels(kind).inc(size)

    def blob(self, key: BlobKey, state: str) -> None:
        """A blob came into a state, which is one of `STATES`."""
        self._blobs.labels(_kind(key), state).inc()

    def sent(self, key: BlobKey, size: int) -> None:
        """`size` bytes of a blob were read by whoever asked for them."""
        self._sent.labels(_kind(key)).inc(size)

    def room_in(self, folder: Path) -> Sample:
        """Looks how much room there is on the file system of `folder`."""

        async def look() -> tuple[float, float]:
            usage = await asyncio.to_thread(shutil.disk_usage, folder)
            return usage.free, usage.total

        return Sample("disk", (self._free, self._size), look)


def _kind(key: BlobKey) -> str:
    kind = key.partition("/")[0]
    return kind if kind in KINDS else "other"
