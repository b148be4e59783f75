"""The events of a processor, which are logged and counted."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from processor.attempt_events import AttemptEvents
from processor.metrics import ProcessorMetrics
from shared.http.elsewhere import shown_url
from shared.jobs.events import JobEvents
from shared.jobs.job import JobState
from shared.telemetry.ids import also_bound_ids
from shared.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from shared.blobs.blob import BlobKey
    from shared.jobs.delivery import Delivery
    from shared.jobs.fetch import Fetch
    from shared.jobs.job import Job
    from shared.jobs.notification import Notification

log = logging.getLogger(__name__)


class ProcessorEvents(JobEvents):
    """Logs a line for each event of a job, and counts it."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__(metrics)
        self._metrics = metrics.of(ProcessorMetrics)

    @classmethod
    def uncounted(cls) -> ProcessorEvents:
        """Return events that are only logged, for parts that run outside of a service."""
        return cls(Metrics("processor"))

    @contextmanager
    def attempt(self, job: Job, now: float) -> Iterator[AttemptEvents]:
        """An attempt at `job` runs during the context. `now`: Unix seconds of its claim."""
        with also_bound_ids(
            job_id=job.id, upload_id=job.upload_id, attempt=job.attempt, tenant=job.tenant
        ):
            waited = max(0.0, now - job.created_at)
            if job.attempt == 1:
                self._metrics.queue_wait.observe(waited)
            log.info(
                "job=%s attempt=%d started, %.1f s after the job was created",
                job.id,
                job.attempt,
                waited,
                extra={"event": "attempt.started", "waited": round(waited, 3)},
            )
            with self._metrics.running.track_inprogress():
                yield AttemptEvents(job, self._metrics, self._jobs, waited)

    def waiting(self, job: Job, wait: float) -> None:
        """A wake-up was delivered `wait` seconds before the job can be claimed."""
        held = "waits for its next attempt"
        if job.lease_until:
            held = f"is leased to {job.worker}"
        elif job.state is JobState.PENDING:
            held = "waits for the processor that has a head start"
        log.info("job=%s %s for %.1f s", job.id, held, wait)

    def waiting_for_its_tenant(self, job: Job) -> None:
        """A wake-up was delivered while the tenant of the job runs as many jobs as it may."""
        log.info("job=%s waits for another job of tenant=%s to end", job.id, job.tenant)

    def last_attempt_lost(self, job: Job) -> None:
        """A claim has found that the last permitted attempt of the job was lost."""
        self._jobs.job(JobState.FAILURE, "lost")
        log.error(
            "job=%s failed: %s", job.id, job.reason, extra={"event": "job.failed", "reason": "lost"}
        )

    def dead_lettered(self, job: Job) -> None:
        """The broker has confirmed that the job's message is in the dead-letter queue."""
        log.info("job=%s is in the dead-letter queue", job.id, extra={"event": "job.dead_lettered"})

    def unknown_job(self, job_id: UUID) -> None:
        """A wake-up was delivered for a job that is not in the database."""
        log.warning("wake-up for a job that does not exist: job=%s", job_id)

    def relayed(self, job_id: UUID) -> None:
        """The relay has published a wake-up for the job."""
        self._metrics.relayed.inc()
        log.info("relay published a wake-up for job=%s", job_id, extra={"event": "job.relayed"})

    def upload_recovered(self, job: Job) -> None:
        """A complete upload had no job, as its gateway died, and has one now."""
        log.warning(
            "upload %s was complete and had no job: recovered as job=%s",
            job.upload_id,
            job.id,
            extra={"event": "upload.adopted"},  # programs read this code: it stays
        )

    def fetch_began(self, fetch: Fetch) -> None:
        """This processor fetches an input of a job from elsewhere, or continues to."""
        log.info(
            "upload %s: fetched from %s, from byte %d on",
            fetch.upload_id,
            shown_url(fetch.url),
            fetch.bytes_done,
            extra={"event": "fetch.began"},
        )

    def fetch_ended(self, fetch: Fetch, outcome: str, reason: str, received: int) -> None:
        """A try to fetch an input has ended: `done`, `postponed`, `failed` or `lost`."""
        self._metrics.fetches.labels(outcome).inc()
        self._metrics.fetched_bytes.inc(received)
        log.info(
            "upload %s: its fetch is %s: %s",
            fetch.upload_id,
            outcome,
            reason,
            extra={"event": "fetch.ended", "outcome": outcome, "bytes": received},
        )

    def result_sent(self, delivery: Delivery, outcome: str, reason: str) -> None:
        """A try to send a result to object storage has ended: see `csvmill_results_sent_total`."""
        self._metrics.results_sent.labels(outcome).inc()
        log.info(
            "job=%s: its result is %s: %s",
            delivery.job_id,
            outcome,
            reason,
            extra={"event": "result.sent", "outcome": outcome},
        )

    def head_start_began(self, upload_id: UUID) -> None:
        """This processor aggregates an upload while it is received."""
        log.info(
            "upload %s: aggregated while it is received",
            upload_id,
            extra={"event": "head_start.began"},
        )

    def head_start_ended(self, upload_id: UUID, outcome: str, reason: str) -> None:
        """The head start of an upload has ended."""
        self._metrics.head_starts.labels(outcome).inc()
        log.info(
            "upload %s: its head start was %s: %s",
            upload_id,
            outcome,
            reason,
            extra={"event": "head_start.ended", "outcome": outcome},
        )

    def expired(self, jobs: int) -> None:
        """This many jobs have expired."""
        self._metrics.expired.inc(jobs)
        log.info("%d jobs have expired", jobs)

    def notification_delivered(self, notification: Notification) -> None:
        """The receiver of a notification has taken it."""
        self._metrics.notifications.labels("delivered").inc()
        log.info(
            "notification %s of job=%s delivered",
            notification.id,
            notification.job_id,
            extra={"event": "notification.delivered"},
        )

    def notification_postponed(self, notification: Notification, error: str, delay: float) -> None:
        """A notification was not taken, and is sent again after `delay` seconds."""
        self._metrics.notifications.labels("postponed").inc()
        log.warning(
            "notification %s of job=%s is sent again in %.0f s: %s",
            notification.id,
            notification.job_id,
            delay,
            error,
            extra={"event": "notification.postponed"},
        )

    def notification_given_up(self, notification: Notification, error: str) -> None:
        """A notification was not taken, and is not sent again."""
        self._metrics.notifications.labels("failed").inc()
        log.error(
            "notification %s of job=%s given up after %d failures: %s",
            notification.id,
            notification.job_id,
            notification.failures + 1,
            error,
            extra={"event": "notification.failed"},
        )

    def removed(self, key: BlobKey, job: Job | None) -> None:
        """The sweeper has removed a blob of `job`, or one without a job."""
        self._metrics.removed.labels(key.partition("/")[0]).inc()
        if job is None:
            log.info("removed %s, which belongs to no job", key, extra={"event": "blob.removed"})
            return
        with also_bound_ids(job_id=job.id, upload_id=job.upload_id, tenant=job.tenant):
            why = "which is of an old attempt"
            if job.expired_at is not None:
                why = "which has expired"
            elif job.result_deleted_at is not None:
                why = "whose result was deleted"
            log.info("removed %s of job=%s, %s", key, job.id, why, extra={"event": "blob.removed"})
