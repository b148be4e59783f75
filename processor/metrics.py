"""What a processor counts: queue, attempts, what its engine did, and what it cleared away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from shared.blobs.blob import RESULTS, UPLOADS

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)
"""Buckets of what takes a moment for a small file, and hours for the largest."""


class ProcessorMetrics:
    """The work of one processor. `JobMetrics` has what jobs and attempts came to."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.queue_wait = Histogram(
            "csvmill_job_queue_wait_seconds",
            "From the making of a job to the beginning of its first attempt.",
            buckets=SECONDS,
            registry=registry,
        )
        self.running = Gauge(
            "csvmill_attempts_running", "Attempts that this processor runs.", registry=registry
        )
        self.attempt_seconds = Histogram(
            "csvmill_attempt_duration_seconds",
            "From claim to outcome, reading and storing included.",
            ["outcome"],
            buckets=SECONDS,
            registry=registry,
        )
        self.leases_lost = Counter(
            "csvmill_leases_lost_total",
            "Attempts of this processor whose job was taken over or cancelled.",
            registry=registry,
        )
        engine = ["engine", "plan"]
        self.job_seconds = Histogram(
            "csvmill_job_duration_seconds",
            "What the engine took for a job that it finished, by the plan that gave the result.",
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
            "Jobs that lacked a wake-up, and were given one by the relay.",
            registry=registry,
        )
        self.expired = Counter(
            "csvmill_jobs_expired_total",
            "Jobs whose input and result are no longer kept.",
            registry=registry,
        )
        self.removed = Counter(
            "csvmill_blobs_removed_total",
            "Blobs that nobody needed any more.",
            ["kind"],
            registry=registry,
        )
        for kind in (UPLOADS, RESULTS):
            self.removed.labels(kind)
        for outcome in ("success", "failure", "released"):
            self.attempt_seconds.labels(outcome)
