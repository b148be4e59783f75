"""The metrics of several storage servers, as a gateway or a processor sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class ServerMetrics:
    """Made only by a process with several storage servers. Labels are their URLs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ready = Gauge(
            "csvmill_storage_server_ready",
            "Whether a storage server answers and takes new blobs, by its URL.",
            ["server"],
            registry=registry,
        )
        self.moved = Counter(
            "csvmill_blobs_moved_total",
            "Blobs in flight that this process has moved from a storage server that is lost.",
            registry=registry,
        )

    def ready(self, server: str, ready: bool) -> None:
        """Record what a probe of a server has found."""
        self._ready.labels(server).set(ready)
