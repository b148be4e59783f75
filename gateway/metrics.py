"""The metrics of the gateway: uploads, downloads, and waiting jobs."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from shared.jobs.job import JobState
from shared.telemetry.sampling import Sample

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from shared.ports import JobStore

MOST_COUNTED = 10_000
"""The most unfinished jobs that are counted; a longer queue shows as this number."""

_STATES = (JobState.PENDING, JobState.RETRY, JobState.STARTED)


class GatewayMetrics:
    """Updated once for each chunk and each response, never for a piece of one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.chunks = Counter("csvmill_upload_chunks_total", "Chunks stored.", registry=registry)
        self.bytes_in = Counter(
            "csvmill_upload_bytes_total",
            "Bytes of these chunks, repeated ones included, without the form around them.",
            registry=registry,
        )
        self.bytes_out = Counter(
            "csvmill_download_bytes_total",
            "Bytes of results sent to clients.",
            registry=registry,
        )
        self.downloads = Gauge(
            "csvmill_downloads_in_progress",
            "Downloads of results and rejects in progress.",
            registry=registry,
        )
        self.followers = Gauge(
            "csvmill_job_followers", "Clients that follow a job.", registry=registry
        )
        self._unfinished = Gauge(
            "csvmill_jobs_unfinished",
            f"Jobs that have not ended, by state, among the {MOST_COUNTED} oldest.",
            ["state"],
            registry=registry,
        )
        self._oldest = Gauge(
            "csvmill_oldest_waiting_job_seconds",
            "Age of the oldest job that waits for an attempt; 0 if there is none.",
            registry=registry,
        )

    def queue_of(self, jobs: JobStore) -> Sample:
        """Return the sample of waiting and running jobs, which is the same on every gateway."""

        async def count() -> tuple[float, ...]:
            found = await jobs.unfinished(limit=MOST_COUNTED)
            oldest = math.inf if found.oldest_waiting is None else found.oldest_waiting
            return found.pending, found.retry, found.started, max(0.0, time.time() - oldest)

        gauges = (*(self._unfinished.labels(state) for state in _STATES), self._oldest)
        return Sample("jobs", gauges, count)
