"""The metrics of a processor: queue, attempts, engine, and maintenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from shared.blobs.blob import RESULTS, UPLOADS
from shared.jobs.job import AttemptOutcome

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)
"""Buckets in seconds: small files take a moment, the largest take hours."""


class ProcessorMetrics:
    """The work of one processor. `JobMetrics` counts the outcomes of jobs and attempts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.queue_wait = Histogram(
            "csvmill_job_queue_wait_seconds",
            "From the creation of a job to the start of its first attempt.",
            buckets=SECONDS,
            registry=registry,
        )
        self.running = Gauge(
            "csvmill_attempts_running",
            "Attempts that this processor runs.",
            registry=registry,
        )
        self.attempt_seconds = Histogram(
            "csvmill_attempt_duration_seconds",
            "From claim to outcome, including reading and storing.",
            ["outcome"],
            buckets=SECONDS,
            registry=registry,
        )
        self.leases_lost = Counter(
            "csvmill_leases_lost_total",
            "Attempts of this processor whose job was claimed by another, or cancelled.",
            registry=registry,
        )
        self.cached = Counter(
            "csvmill_jobs_answered_total",
            "Jobs that got the result of an earlier one.",
            registry=registry,
        )
        engine = ["engine", "plan"]
        self.job_seconds = Histogram(
            "csvmill_job_duration_seconds",
            "Engine time of finished jobs.",
            engine,
            buckets=SECONDS,
            registry=registry,
        )
        self.rows_in = Counter(
            "csvmill_job_input_rows_total", "Rows aggregated.", engine, registry=registry
        )
        self.rows_out = Counter(
            "csvmill_job_output_rows_total", "Rows of results.", engine, registry=registry
        )
        self.bytes_in = Counter(
            "csvmill_job_input_bytes_total", "Bytes aggregated.", engine, registry=registry
        )
        self.bytes_out = Counter(
            "csvmill_job_output_bytes_total", "Bytes of results.", engine, registry=registry
        )
        self.relayed = Counter(
            "csvmill_relay_wake_ups_total",
            "Wake-ups that the relay published for jobs that lacked one.",
            registry=registry,
        )
        self.fetches = Counter(
            "csvmill_fetches_total",
            "Tries to fetch an input of a job from elsewhere, by how they ended.",
            ["outcome"],
            registry=registry,
        )
        self.results_sent = Counter(
            "csvmill_results_sent_total",
            "Tries to send a result to object storage, by how they ended.",
            ["outcome"],
            registry=registry,
        )
        self.fetched_bytes = Counter(
            "csvmill_fetched_bytes_total",
            "Bytes of inputs that were fetched from elsewhere.",
            registry=registry,
        )
        self.head_starts = Counter(
            "csvmill_head_starts_total",
            "Uploads that this processor began to aggregate while they were received.",
            ["outcome"],
            registry=registry,
        )
        self.expired = Counter(
            "csvmill_jobs_expired_total",
            "Jobs that have expired.",
            registry=registry,
        )
        self.removed = Counter(
            "csvmill_blobs_removed_total",
            "Blobs that the sweeper has removed.",
            ["kind"],
            registry=registry,
        )
        self.notifications = Counter(
            "csvmill_notifications_total",
            "Tries to send notifications of how jobs ended, by outcome.",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("delivered", "postponed", "failed"):
            self.notifications.labels(outcome)
        for outcome in ("done", "postponed", "failed", "lost"):
            self.fetches.labels(outcome)
        for outcome in ("delivered", "postponed", "failed"):
            self.results_sent.labels(outcome)
        for how in ("used", "gone", "lost", "released", "failed"):
            self.head_starts.labels(how)
        for kind in (UPLOADS, RESULTS):
            self.removed.labels(kind)
        for outcome in (
            AttemptOutcome.SUCCESS,
            AttemptOutcome.FAILURE,
            AttemptOutcome.RELEASED,
        ):
            self.attempt_seconds.labels(outcome)
