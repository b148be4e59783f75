"""The metrics of jobs and uploads that the gateway and the processors share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter

from shared.jobs.job import AttemptOutcome, JobState

if TYPE_CHECKING:
    from uuid import UUID

    from prometheus_client import CollectorRegistry


class JobMetrics:
    """Counts the state changes of jobs and the ends of attempts that this process caused."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._jobs = Counter(
            "csvmill_jobs_total",
            "Jobs that entered a state, by reason.",
            ["state", "reason"],
            registry=registry,
        )
        self._attempts = Counter(
            "csvmill_attempts_total",
            "Attempts that ended, by outcome.",
            ["outcome"],
            registry=registry,
        )
        # Create the series, so that the first failure is an increase and not a new series.
        for state, reason in (
            (JobState.PENDING, "created"),
            (JobState.SUCCESS, "done"),
            (JobState.FAILURE, "malformed_input"),
            (JobState.FAILURE, "attempt_failed"),
            (JobState.FAILURE, "lost"),
            (JobState.REVOKED, "cancelled"),
        ):
            self._jobs.labels(state, reason)
        for outcome in AttemptOutcome:
            if outcome is not AttemptOutcome.REVOKED:  # counted as a lost lease
                self._attempts.labels(outcome)

    def job(self, state: JobState, reason: str) -> None:
        """Count a job that entered `state`. `reason` is a fixed label, or an error's `code`."""
        self._jobs.labels(state, reason).inc()

    def attempt(self, outcome: AttemptOutcome) -> None:
        """Count an attempt that ended."""
        self._attempts.labels(outcome).inc()

    def attempt_lost(self, _job_id: UUID, _attempt: int) -> None:
        """Count a lost attempt. The argument `attempt_lost` of `open_job_store`."""
        self.attempt(AttemptOutcome.LOST)


class UploadMetrics:
    """Uploads, by how they ended."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._uploads = Counter(
            "csvmill_uploads_total",
            "Uploads that were completed, which became a job, or cancelled here.",
            ["state"],
            registry=registry,
        )
        for state in ("completed", "cancelled"):
            self._uploads.labels(state)

    def ended(self, state: str) -> None:
        """Count an upload that was `completed` or `cancelled`."""
        self._uploads.labels(state).inc()
