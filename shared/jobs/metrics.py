"""What the gateway and the processors count about jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter

from shared.jobs.job import JobState

if TYPE_CHECKING:
    from uuid import UUID

    from prometheus_client import CollectorRegistry


class JobMetrics:
    """Jobs and attempts, by what became of them as far as this process had a hand in it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._jobs = Counter(
            "csvmill_jobs_total",
            "Jobs that came into a state, and why.",
            ["state", "reason"],
            registry=registry,
        )
        self._attempts = Counter(
            "csvmill_attempts_total",
            "Attempts that ended, by outcome.",
            ["outcome"],
            registry=registry,
        )
        # Shown from the start, so that a first failure is a rise and not a new series.
        for state, reason in (
            (JobState.PENDING, "created"),
            (JobState.SUCCESS, "done"),
            (JobState.FAILURE, "malformed_input"),
            (JobState.FAILURE, "attempt_failed"),
            (JobState.FAILURE, "lost"),
            (JobState.REVOKED, "cancelled"),
        ):
            self._jobs.labels(state, reason)
        for outcome in ("success", "failure", "released", "lost"):
            self._attempts.labels(outcome)

    def job(self, state: JobState, reason: str) -> None:
        """A job has come into `state`. `reason` is a word of the code, or an error's `code`."""
        self._jobs.labels(state, reason).inc()

    def attempt(self, outcome: str) -> None:
        """An attempt has ended with one of the outcomes of `Attempt`."""
        self._attempts.labels(outcome).inc()

    def attempt_lost(self, _job_id: UUID, _attempt: int) -> None:
        """An attempt was found to be lost: what `open_job_store` takes as `attempt_lost`."""
        self.attempt("lost")


class UploadMetrics:
    """Uploads, by how they ended."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._uploads = Counter(
            "csvmill_uploads_total",
            "Uploads that ended here: completed ones became a job.",
            ["state"],
            registry=registry,
        )
        for state in ("completed", "cancelled"):
            self._uploads.labels(state)

    def ended(self, state: str) -> None:
        """Count an upload that was `completed` or `cancelled`."""
        self._uploads.labels(state).inc()
