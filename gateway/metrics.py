"""The metrics of the gateway: uploads, downloads, and waiting jobs."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from shared.jobs.job import JobState
from shared.jobs.notification import NotificationState
from shared.telemetry.sampling import Sample

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from shared.ports import JobReader, Notifications

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

        self._notifications = Gauge(
            "csvmill_notifications_undelivered",
            f"Notifications that wait, and that were given up: up to {MOST_COUNTED} of each.",
            ["state"],
            registry=registry,
        )
        self._oldest_notification = Gauge(
            "csvmill_oldest_pending_notification_seconds",
            "Age of the oldest notification that waits; 0 if there is none.",
            registry=registry,
        )

    def notifications_of(self, notifications: Notifications) -> Sample:
        """Return the sample of notifications, which is the same on every gateway."""

        async def count() -> tuple[float, ...]:
            found = await notifications.waiting(limit=MOST_COUNTED)
            oldest = math.inf if found.oldest is None else found.oldest
            return found.pending, found.failed, max(0.0, time.time() - oldest)

        states = (NotificationState.PENDING, NotificationState.FAILED)
        gauges = (*map(self._notifications.labels, states), self._oldest_notification)
        return Sample("notifications", gauges, count)

    def queue_of(self, jobs: JobReader) -> Sample:
        """Return the sample of waiting and running jobs, which is the same on every gateway."""

        async def count() -> tuple[float, ...]:
            found = await jobs.unfinished(limit=MOST_COUNTED)
            oldest = math.inf if found.oldest_waiting is None else found.oldest_waiting
            return found.pending, found.retry, found.started, max(0.0, time.time() - oldest)

        gauges = (*(self._unfinished.labels(state) for state in _STATES), self._oldest)
        return Sample("jobs", gauges, count)


OTHERS = "_other"
"""The label of all tenants without one of their own. No tenant has this name."""


class TenantMetrics:
    """What each tenant does, for the first `named` tenants that do anything; none by default.

    Labels are for ever, and there may be any number of tenants.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.named = 0
        self._names: set[str] = set()
        self._bytes_in = Counter(
            "csvmill_tenant_upload_bytes_total",
            "Bytes of chunks stored, by tenant.",
            ["tenant"],
            registry=registry,
        )
        self._bytes_out = Counter(
            "csvmill_tenant_download_bytes_total",
            "Bytes of results sent, by tenant.",
            ["tenant"],
            registry=registry,
        )
        self._jobs = Counter(
            "csvmill_tenant_jobs_total",
            "Jobs created by the gateway, by tenant.",
            ["tenant"],
            registry=registry,
        )
        for counter in (self._bytes_in, self._bytes_out, self._jobs):
            counter.labels(OTHERS)

    def received(self, tenant: str, size: int) -> None:
        """Count the bytes of a chunk."""
        self._bytes_in.labels(self._label(tenant)).inc(size)

    def sent(self, tenant: str, size: int) -> None:
        """Count bytes of a result."""
        self._bytes_out.labels(self._label(tenant)).inc(size)

    def job_created(self, tenant: str) -> None:
        """Count a new job."""
        self._jobs.labels(self._label(tenant)).inc()

    def _label(self, tenant: str) -> str:
        if tenant not in self._names:
            if len(self._names) >= self.named:
                return OTHERS
            self._names.add(tenant)
        return tenant
