"""The outcomes of attempts: they are recorded before the wake-up is settled."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from processor.attempt.backoff import until_answered
from processor.attempt.storage_fault import storage_fault_of
from shared.errors import CsvmillError, JobFailed, LeaseLost, MalformedInput, Unavailable
from shared.jobs.job import JobState
from shared.jobs.report import report_of
from shared.jobs.wake_up import WakeUp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from processor.attempt.acknowledge import AckHandler
    from processor.attempt.backoff import StorageGate
    from processor.attempt.run import Completed, JobRun
    from processor.attempt_events import AttemptEvents
    from shared.jobs.job import Job
    from shared.ports import Delivery, JobStore

RELEASE_TIMEOUT = 5.0
"""Seconds that a stopping worker may take to release a job."""

_STATES_AFTER_FAILURE = (JobState.RETRY, JobState.FAILURE)
"""They show that a `fail` was committed whose answer got lost."""

log = logging.getLogger(__name__)


class Outcomes:
    """Records how attempts of the worker `worker` end.

    A failed attempt is repeated after `retry_delay` seconds or later. `clock` returns Unix seconds.
    """

    def __init__(
        self,
        jobs: JobStore,
        job_run: JobRun,
        storage: StorageGate,
        acks: AckHandler,
        *,
        worker: str,
        retry_delay: float,
        clock: Callable[[], float],
    ) -> None:
        self._jobs = jobs
        self._job_run = job_run
        self._storage = storage
        self._acks = acks
        self._worker = worker
        self._retry_delay = retry_delay
        self._clock = clock

    async def succeed(self, job: Job, completed: Completed) -> None:
        """Record the success of an attempt and its result. Raises LeaseLost."""
        result = completed.result
        try:
            await until_answered(
                lambda: self._jobs.succeed(
                    job.id,
                    job.attempt,
                    result,
                    now=self._clock(),
                    report=completed.report,
                    answer_key=completed.answer_key,
                    cached_from=completed.cached_from,
                )
            )
        except LeaseLost:
            # A repeated commit whose first answer got lost ends here.
            current = await until_answered(lambda: self._jobs.get(job.id))
            if current.result != result:
                raise

    async def fail(
        self, delivery: Delivery, job: Job, error: Exception, events: AttemptEvents
    ) -> None:
        """Record why an attempt failed, remove its output, and settle the wake-up.

        If storage was the cause, the attempt does not count.
        """
        fault = await storage_fault_of(error, job, self._jobs, self._job_run.ping)
        if fault is not None:
            self._storage.close()
            await self._release_for_storage_fault(delivery, job, fault, events)
            return
        final = isinstance(error, MalformedInput)
        reason = events.error(error)
        report = report_of(error) if isinstance(error, JobFailed) else None

        def fail() -> Awaitable[Job]:
            now = self._clock()
            retry_at = now + self._retry_delay
            return self._jobs.fail(
                job.id, job.attempt, reason,
                final=final, now=now, retry_at=retry_at, report=report,
            )  # fmt: skip

        try:
            after = await until_answered(fail)
        except LeaseLost:
            after = await until_answered(lambda: self._jobs.get(job.id))
            committed = after.attempt == job.attempt and after.state in _STATES_AFTER_FAILURE
            if not committed:
                # The job was cancelled (which removes its input, so that the attempt fails),
                # another attempt has claimed it, or a success was committed whose answer got lost.
                events.lease_lost()
                if after.result is None or after.attempt != job.attempt:
                    await self.discard(job)
                await delivery.ack()
                return
        events.failed(error, after)
        await self.discard(job)
        if after.state is JobState.RETRY:
            await self._acks.delay(delivery, self._retry_delay, job.id)
        else:
            await self._acks.ack_ended(delivery, after)

    async def _release_for_storage_fault(
        self, delivery: Delivery, job: Job, reason: str, events: AttemptEvents
    ) -> None:
        """Release the job and retry it later. The attempt does not count."""

        def release() -> Awaitable[None]:
            now = self._clock()
            retry_at = now + self._retry_delay
            return self._jobs.release(job.id, job.attempt, reason, now=now, retry_at=retry_at)

        try:
            await until_answered(release)
        except LeaseLost:
            events.lease_lost()
            await delivery.ack()
            return
        events.released("storage_unavailable", f"released: {reason}")
        await self.discard(job)
        await self._acks.delay(delivery, self._retry_delay, job.id)

    async def move_to_the_others(
        self, delivery: Delivery, job: Job, reason: str, events: AttemptEvents
    ) -> None:
        """Release a job that is not small, and wake it among the others. The attempt is no failure.

        If this process is killed in between, the wake-up comes back, and this happens again.
        """
        try:
            await until_answered(
                lambda: self._jobs.release(
                    job.id, job.attempt, reason, now=self._clock(), outgrown=True
                )
            )
        except LeaseLost:
            events.lease_lost()
            await delivery.ack()
            return
        events.released("outgrown", reason)
        await self._acks.move(delivery, WakeUp(job.id))

    async def release_at_shutdown(self, job: Job, events: AttemptEvents) -> None:
        """Release the job. If that fails, the job can be claimed when the lease runs out."""
        deadline = asyncio.get_running_loop().time() + RELEASE_TIMEOUT
        try:
            async with asyncio.timeout_at(deadline):
                await self._jobs.release(
                    job.id, job.attempt, f"{self._worker} is shutting down", now=self._clock()
                )
        except LeaseLost:
            return
        except (Unavailable, TimeoutError) as error:
            log.warning("job=%s attempt=%d not released: %s", job.id, job.attempt, text_of(error))
            return
        events.released("shutdown", "released at shutdown")
        await self.discard(job, deadline)

    async def discard(self, job: Job, deadline: float | None = None) -> None:
        """Remove the attempt's output. After `deadline` (loop time) it is left to the sweeper."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._job_run.discard(job)
        except (CsvmillError, TimeoutError) as error:
            log.warning(
                "job=%s attempt=%d left output behind: %s", job.id, job.attempt, text_of(error)
            )


def text_of(error: Exception) -> str:
    """Return what an error says. A timeout says nothing itself."""
    return str(error) or "no answer in time"
