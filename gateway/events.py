"""Records the events of the gateway in the log and in the metrics."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.acts import note
from gateway.metrics import GatewayMetrics, TenantMetrics
from shared.access.audit import Action
from shared.jobs.events import JobEvents
from shared.jobs.job import JobState
from shared.telemetry.ids import bind_ids
from shared.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.errors import CsvmillError
    from shared.jobs.job import Job

log = logging.getLogger(__name__)


class GatewayEvents(JobEvents):
    """Logs a line for each event of a job, and none for a chunk."""

    def __init__(self, metrics: Metrics, *, named_tenants: int = 0) -> None:
        """`named_tenants` is how many tenants have series of their own in the metrics."""
        super().__init__(metrics)
        self._metrics = metrics.of(GatewayMetrics)
        self._tenants = metrics.of(TenantMetrics)
        self._tenants.named = named_tenants

    @classmethod
    def uncounted(cls) -> GatewayEvents:
        """Return events that are only logged, for use cases outside of a service."""
        return cls(Metrics("gateway"))

    def chunk_stored(self, size: int, tenant: Tenant) -> None:
        """Record that a chunk of `size` bytes of a tenant's upload was stored."""
        self._metrics.chunks.inc()
        self._metrics.bytes_in.inc(size)
        self._tenants.received(tenant, size)

    def result_sent(self, tenant: Tenant, size: int) -> None:
        """Record that `size` bytes of a tenant's result were sent to a client."""
        self._metrics.bytes_out.inc(size)
        self._tenants.sent(tenant, size)

    def job_created(self, job: Job) -> None:
        """Record that this gateway has created the job of a complete upload."""
        super().job_created(job)
        self._tenants.job_created(job.tenant)

    def input_left(self, job: Job, error: CsvmillError) -> None:
        """Record that the input of a cancelled job could not be removed."""
        log.warning("job=%s: its input is left to the sweeper: %s", job.id, error)

    def upload_cancelled(self, upload_id: UUID) -> None:
        """Record that an upload without a job was cancelled."""
        bind_ids(upload_id=upload_id)
        self._uploads.ended("cancelled")
        note(Action.UPLOAD_DELETED, upload_id)
        log.info("upload %s cancelled", upload_id, extra={"event": "upload.cancelled"})

    def upload_recorded(self, upload_id: UUID, size: int) -> None:
        """Record that an upload is complete that becomes no job."""
        bind_ids(upload_id=upload_id)
        self._uploads.ended("completed")
        log.info(
            "upload %s is complete with %d bytes, and waits until jobs are asked of it",
            upload_id,
            size,
            extra={"event": "upload.recorded", "bytes": size},
        )

    def upload_kept(self, upload_id: UUID, until: float | None) -> None:
        """Record that a client has said until when an upload is kept (Unix seconds)."""
        bind_ids(upload_id=upload_id)
        log.info(
            "upload %s is kept %s",
            upload_id,
            "no longer than jobs need it" if until is None else f"until {until:.0f}",
            extra={"event": "upload.kept"},
        )

    def input_deleted(self, upload_id: UUID) -> None:
        """Record that a client has deleted the bytes of an upload whose job had ended."""
        bind_ids(upload_id=upload_id)
        note(Action.UPLOAD_DELETED, upload_id, "its job and the result are kept")
        log.info("upload %s deleted; its job is kept", upload_id)

    def job_deleted(self, job: Job) -> None:
        """Record that a client has deleted a job that had ended, with all its bytes."""
        bind_ids(job_id=job.id, upload_id=job.upload_id)
        note(
            Action.BYTES_DELETED,
            job.id,
            "all outputs" if job.upload_id is None else f"upload {job.upload_id} and all outputs",
        )
        log.info("job=%s deleted with its bytes", job.id, extra={"event": "job.deleted"})

    def result_deleted(self, job: Job) -> None:
        """Record that a client has deleted what a job had computed."""
        bind_ids(job_id=job.id, upload_id=job.upload_id)
        note(Action.BYTES_DELETED, job.id, "result, rejects and preview")
        log.info("job=%s: its result is deleted", job.id, extra={"event": "result.deleted"})

    def job_retried(self, job: Job) -> None:
        """Record that a client has retried a failed job."""
        bind_ids(job_id=job.id, upload_id=job.upload_id)
        self._jobs.job(JobState.RETRY, "operator")
        log.info("job=%s retried by a client", job.id, extra={"event": "job.retried"})


EVENTS = web.AppKey("events", GatewayEvents)
