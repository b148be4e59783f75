"""The events of a job that the gateway and the processors both log and count."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from shared.jobs.job import JobState
from shared.jobs.metrics import JobMetrics, UploadMetrics
from shared.telemetry.ids import bind_ids

if TYPE_CHECKING:
    from shared.errors import CsvmillError
    from shared.jobs.job import Job
    from shared.telemetry.metrics import Metrics

log = logging.getLogger(__name__)


class JobEvents:
    """Logs and counts. The events of each service extend it."""

    def __init__(self, metrics: Metrics) -> None:
        self._uploads = metrics.of(UploadMetrics)
        self._jobs = metrics.of(JobMetrics)

    def job_created(self, job: Job) -> None:
        """This process has created the job of a complete upload, or one that was asked for."""
        bind_ids(job_id=job.id, tenant=job.tenant)
        self._jobs.job(JobState.PENDING, "created")
        fields = {"event": "job.created", "bytes": job.input_size}
        if job.upload_id is None:
            self._log_asked(job, fields)
            return
        self._uploads.ended("completed")
        log.info(
            "job=%s created: upload %s is complete with %d bytes",
            job.id,
            job.upload_id,
            job.input_size,
            extra=fields,
        )

    @staticmethod
    def _log_asked(job: Job, fields: dict[str, object]) -> None:
        log.info(
            "job=%s created: asked of %s, %d bytes",
            job.id,
            uploads_of(job),
            job.input_size,
            extra={**fields, "inputs": len(job.inputs)},
        )

    def left_to_relay(self, job: Job, error: CsvmillError) -> None:
        """The job's wake-up could not be published, or the job could not be stamped."""
        log.warning(
            "job=%s of %s: its wake-up is left to the relay: %s",
            job.id,
            uploads_of(job),
            error,
            extra={"event": "job.unannounced"},  # programs read this code: it stays
        )

    def job_cancelled(self, job: Job) -> None:
        """This process has cancelled the job."""
        bind_ids(job_id=job.id, upload_id=job.upload_id, tenant=job.tenant)
        self._jobs.job(JobState.REVOKED, "cancelled")
        log.info("job=%s cancelled", job.id, extra={"event": "job.cancelled"})


def uploads_of(job: Job) -> str:
    """Return in words what a job reads."""
    first, *others = job.inputs
    more = f" and {len(others)} more" if others else ""
    return f"upload {first.upload_id}{more}"
