"""The events of one attempt, which are logged and counted."""

from __future__ import annotations

import logging
import time
from functools import cache
from typing import TYPE_CHECKING

from processor.engines.confinement import MEASURES
from shared.errors import CsvmillError, MalformedInput
from shared.jobs.job import AttemptOutcome, JobState

if TYPE_CHECKING:
    from uuid import UUID

    from processor.metrics import ProcessorMetrics
    from shared.jobs.job import Job, JobResult
    from shared.jobs.metrics import JobMetrics
    from shared.jobs.report import Report

log = logging.getLogger(__name__)

UNEXPECTED = "unexpected"
"""The `reason` of every error that is no CsvmillError."""


class AttemptEvents:
    """The events of one attempt after its claim."""

    def __init__(
        self, job: Job, metrics: ProcessorMetrics, jobs: JobMetrics, waited: float
    ) -> None:
        self.waited = waited
        """Seconds from the creation of the job to the claim."""
        self._job = job
        self._metrics = metrics
        self._jobs = jobs
        self._started = time.perf_counter()

    def succeeded(self, result: JobResult, report: Report, cached_from: UUID | None = None) -> None:
        """The attempt has succeeded, and the job points to its result, or to a copy of another."""
        if cached_from is not None:
            self._metrics.cached.inc()
            log.info("job=%s has the result of job=%s", self._job.id, cached_from)
        warn_of_confinement(report)
        seconds = self._end(AttemptOutcome.SUCCESS)
        self._jobs.job(JobState.SUCCESS, "done")
        log.info(
            "job=%s attempt=%d succeeded in %.1f s: rows_in=%d rows_out=%d",
            self._job.id, self._job.attempt, seconds, result.rows_in, result.rows_out,
            extra={
                "event": "job.succeeded",
                "seconds": round(seconds, 3),
                "rows_in": result.rows_in,
                "rows_out": result.rows_out,
                "bytes_in": self._job.input_size,
                "bytes_out": result.size,
            },
        )  # fmt: skip

    def error(self, error: Exception) -> str:
        """The attempt has failed, which is not recorded yet. Returns the reason to record."""
        if isinstance(error, CsvmillError):
            reason = str(error)
            log.warning("job=%s attempt=%d failed: %s", self._job.id, self._job.attempt, reason)
        else:
            reason = f"unexpected {type(error).__name__}: {error}"
            log.error("job=%s attempt=%d failed", self._job.id, self._job.attempt, exc_info=error)
        return reason

    def failed(self, error: Exception, after: Job) -> None:
        """The failure is recorded; the job is `after` now."""
        seconds = self._end(AttemptOutcome.FAILURE)
        reason = error.code if isinstance(error, CsvmillError) else UNEXPECTED
        self._jobs.job(after.state, reason)
        retried = after.state is JobState.RETRY
        log.log(
            logging.INFO if retried or isinstance(error, MalformedInput) else logging.WARNING,
            "job=%s %s",
            self._job.id,
            "will be retried" if retried else f"failed: {after.reason}",
            extra={
                "event": "job.retry" if retried else "job.failed",
                "reason": reason,
                "seconds": round(seconds, 3),
            },
        )

    def lease_lost(self) -> None:
        """Another attempt has claimed the job, or it was cancelled."""
        self._metrics.leases_lost.inc()
        log.warning(
            "job=%s attempt=%d lost its lease",
            self._job.id,
            self._job.attempt,
            extra={"event": "attempt.lease_lost"},
        )

    def heartbeat_missed(self, error: Exception) -> None:
        """The lease could not be renewed in time. The heartbeat is repeated."""
        log.warning("job=%s heartbeat missed: %s", self._job.id, str(error) or "no answer in time")

    def released(self, reason: str, why: str) -> None:
        """The attempt was ended without counting. `reason` is a label, `why` is for people."""
        seconds = self._end(AttemptOutcome.RELEASED)
        self._jobs.job(JobState.RETRY, reason)
        log.log(
            logging.INFO if reason == "shutdown" else logging.WARNING,
            "job=%s attempt=%d %s",
            self._job.id,
            self._job.attempt,
            why,
            extra={"event": "job.retry", "reason": reason, "seconds": round(seconds, 3)},
        )

    def _end(self, outcome: AttemptOutcome) -> float:
        seconds = time.perf_counter() - self._started
        self._jobs.attempt(outcome)
        self._metrics.attempt_seconds.labels(outcome).observe(seconds)
        return seconds


def warn_of_confinement(report: Report) -> None:
    """Log, once a process, what this system could not take from the engine of `report`."""
    if report.engine == "kernel":
        _warn_of_missing(tuple(m for m in MEASURES if m not in report.confinement))


@cache
def _warn_of_missing(measures: tuple[str, ...]) -> None:
    if measures:
        log.warning(
            "the engine is not confined by %s, which this system lacks or forbids",
            " and ".join(measures),
            extra={"event": "engine.unconfined", "missing": list(measures)},
        )
