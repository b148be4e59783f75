"""What happens at the gateway, told to the log and to the metrics."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.metrics import GatewayMetrics
from shared.jobs.job import JobState
from shared.jobs.metrics import JobMetrics
from shared.telemetry.ids import bind_ids
from shared.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from uuid import UUID

    from shared.errors import CsvmillError
    from shared.jobs.job import Job

log = logging.getLogger(__name__)


class GatewayEvents:
    """A line for each event of a job's life, none for a chunk."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics.of(GatewayMetrics)
        self._jobs = metrics.of(JobMetrics)

    @classmethod
    def uncounted(cls) -> GatewayEvents:
        """Only logs: for use cases that run outside of a service."""
        return cls(Metrics("gateway"))

    def chunk_taken(self, size: int) -> None:
        """A chunk of `size` bytes is stored."""
        self._metrics.chunks.inc()
        self._metrics.bytes_in.inc(size)

    def result_sent(self, size: int) -> None:
        """`size` bytes of a result went to a client."""
        self._metrics.bytes_out.inc(size)

    def job_created(self, job: Job) -> None:
        """An upload is complete, and this request has made its job."""
        bind_ids(job_id=job.id)
        self._metrics.uploads.labels("completed").inc()
        self._jobs.job(JobState.PENDING, "created")
        log.info(
            "job=%s created: upload %s is complete with %d bytes",
            job.id,
            job.upload_id,
            job.input_size,
            extra={"event": "job.created", "bytes": job.input_size},
        )

    def left_to_relay(self, job: Job, error: CsvmillError) -> None:
        """The job's wake-up could not be published, or not be noted."""
        log.warning(
            "job=%s of upload %s is left to the relay to announce: %s",
            job.id,
            job.upload_id,
            error,
            extra={"event": "job.unannounced"},
        )

    def upload_adopted(self, job: Job) -> None:
        """The job is of a whole upload that had none: the gateway that had it must have died."""
        log.warning(
            "upload %s was whole and had no job: now it has job=%s",
            job.upload_id,
            job.id,
            extra={"event": "upload.adopted"},
        )

    def job_cancelled(self, job: Job) -> None:
        """Somebody has revoked the job, just now."""
        bind_ids(job_id=job.id, upload_id=job.upload_id)
        self._jobs.job(JobState.REVOKED, "cancelled")
        log.info("job=%s cancelled", job.id, extra={"event": "job.cancelled"})

    def input_left(self, job: Job, error: CsvmillError) -> None:
        """The bytes of a cancelled job could not be removed."""
        log.warning("job=%s: its input is left to the sweeper: %s", job.id, error)

    def upload_cancelled(self, upload_id: UUID) -> None:
        """Somebody has cancelled an upload that was no job yet."""
        bind_ids(upload_id=upload_id)
        self._metrics.uploads.labels("cancelled").inc()
        log.info("upload %s cancelled", upload_id, extra={"event": "upload.cancelled"})

    def job_retried(self, job: Job) -> None:
        """An operator has put a failed job back."""
        bind_ids(job_id=job.id, upload_id=job.upload_id)
        self._jobs.job(JobState.RETRY, "operator")
        log.info("job=%s put back by an operator", job.id, extra={"event": "job.retried"})


EVENTS = web.AppKey("events", GatewayEvents)
