"""The worker: takes wake-ups, claims jobs, runs them, records how each attempt ended.

The rule that everything here serves: commit the outcome first, settle the wake-up second. A
wake-up that is settled too late is delivered again, and the claim then sees what happened.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from processor.attempt.acknowledge import Settlement
from processor.attempt.backoff import until_answered, until_storage_answers
from processor.attempt.claim import Claim
from processor.attempt.lease import Lease
from processor.attempt.progress import ProgressRecord
from processor.attempt.storage_fault import blame_of_storage
from processor.events import ProcessorEvents
from shared.errors import (
    CsvmillError,
    JobFailed,
    JobNotFound,
    LeaseLost,
    MalformedInput,
    Unavailable,
)
from shared.jobs.job import Job, JobState
from shared.jobs.report import report_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from processor.attempt.run import Completed, JobRun
    from processor.events import AttemptEvents
    from processor.settings import WorkSettings
    from shared.ports import Bus, Delivery, JobStore


GOODBYE = 5.0
"""Seconds at most that a stopping worker spends on handing a job back."""

_AFTER_FAILURE = (JobState.RETRY, JobState.FAILURE)
"""What `fail` leaves; a `fail` whose answer got lost is recognised by it when it is repeated."""

log = logging.getLogger(__name__)


class Worker:
    """Handles one wake-up for each call of `handle`; calls may overlap."""

    def __init__(
        self,
        jobs: JobStore,
        bus: Bus,
        job_run: JobRun,
        settings: WorkSettings,
        *,
        events: ProcessorEvents | None = None,
        name: str,
        clock: Callable[[], float],
    ) -> None:
        self._jobs = jobs
        self._job_run = job_run
        self._settings = settings
        self._events = events or ProcessorEvents.uncounted()
        self._settlement = Settlement(jobs, bus, self._events, clock)
        self._name = name
        self._clock = clock
        self._handling: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def handle(self, delivery: Delivery) -> None:
        """Do what a wake-up asks for, then settle it."""
        if self._stopping:
            return
        task = asyncio.create_task(self._handle(delivery))
        self._handling.add(task)
        try:
            # Cancelled by `stop`, the task ends unsettled, so that the wake-up goes to another.
            await asyncio.wait((task,))
        finally:
            self._handling.discard(task)
        if not task.cancelled():
            task.result()

    async def stop(self) -> None:
        """Hand every running job back (RETRY, at once) and take no more; bounded in time.

        The wake-ups in hand stay unsettled: leaving `Bus.consume` gives them to other workers.
        """
        self._stopping = True
        for task in self._handling:
            task.cancel()
        if self._handling:
            await asyncio.wait(self._handling, timeout=2 * GOODBYE)

    async def _handle(self, delivery: Delivery) -> None:
        job_id = delivery.wakeup.job_id
        # A job that is claimed while storage is away would only fail.
        await until_storage_answers(self._job_run.ping)
        claim = Claim(
            self._jobs,
            job_id,
            worker=self._name,
            lease=self._settings.lease,
            clock=self._clock,
        )
        try:
            await self._claim_and_work(delivery, claim)
        except JobNotFound:
            self._events.unknown_job(job_id)
            await delivery.dead_letter()

    async def _claim_and_work(self, delivery: Delivery, claim: Claim) -> None:
        try:
            job, ours = await claim.make()
        except asyncio.CancelledError:
            await asyncio.shield(self._leave(claim))
            raise
        if not ours:
            await self._settle_unclaimed(delivery, job, claim)
            return
        with self._events.attempt(job, claim.asked[-1]) as events:
            try:
                await self._attempt(delivery, job, events)
            except asyncio.CancelledError:
                # One whose outcome is on record has lost its lease: nothing is handed back then.
                await asyncio.shield(self._hand_back(job, events))
                raise

    async def _settle_unclaimed(self, delivery: Delivery, job: Job, claim: Claim) -> None:
        if not job.state.terminal:
            # Another attempt holds the lease, or so it looks until the lease runs out; or the next
            # attempt has to wait, which a wake-up too many must not cut short.
            asked = claim.asked[-1]
            wait = max((job.lease_until or job.retry_at or asked) - asked, 0.0)
            self._events.waiting(job, wait)
            await self._settlement.later(delivery, wait)
            return
        if claim.found_lost(job):
            self._events.given_up(job)
        await self._settlement.ended(delivery, job)

    async def _attempt(self, delivery: Delivery, job: Job, events: AttemptEvents) -> None:
        try:
            completed = await self._run_leased(job, events)
            await self._succeed(job, completed)
        except LeaseLost:
            events.lease_lost()
            await self._discard(job)
            await delivery.ack()
        except Exception as error:  # noqa: BLE001  (whatever ends an attempt is recorded)
            await self._record_failure(delivery, job, error, events)
        else:
            events.succeeded(completed.result)
            await delivery.ack()

    async def _run_leased(self, job: Job, events: AttemptEvents) -> Completed:
        """Run the attempt for as long as its lease can be renewed. Raises LeaseLost."""
        lease = Lease(self._jobs, job, events, seconds=self._settings.lease, clock=self._clock)
        progress = ProgressRecord(self._jobs, job, self._settings.progress_interval)
        record = asyncio.create_task(progress.keep())
        try:
            return await lease.keep_during(
                self._job_run.run(job, progress.note, queued=events.waited)
            )
        finally:
            record.cancel()
            await asyncio.gather(record, return_exceptions=True)

    async def _succeed(self, job: Job, completed: Completed) -> None:
        result = completed.result
        try:
            await until_answered(
                lambda: self._jobs.succeed(
                    job.id, job.attempt, result, now=self._clock(), report=completed.report
                )
            )
        except LeaseLost:
            # A commit whose answer got lost looks like this when it is tried again.
            current = await until_answered(lambda: self._jobs.get(job.id))
            if current.result != result:
                raise

    async def _record_failure(
        self, delivery: Delivery, job: Job, error: Exception, events: AttemptEvents
    ) -> None:
        blame = await blame_of_storage(error, job, self._jobs, self._job_run.ping)
        if blame is not None:
            await self._give_back(delivery, job, blame, events)
            return
        final = isinstance(error, MalformedInput)
        reason = events.failing(error)
        report = report_of(error) if isinstance(error, JobFailed) else None

        def fail() -> Awaitable[Job]:
            now = self._clock()
            retry_at = now + self._settings.retry_delay
            return self._jobs.fail(
                job.id, job.attempt, reason,
                final=final, now=now, retry_at=retry_at, report=report,
            )  # fmt: skip

        try:
            after = await until_answered(fail)
        except LeaseLost:
            after = await until_answered(lambda: self._jobs.get(job.id))
            recorded = after.attempt == job.attempt and after.state in _AFTER_FAILURE
            if not recorded:
                # Cancelled (which takes the input away, so that the attempt fails), taken over,
                # or a success whose answer got lost.
                events.lease_lost()
                if after.result is None or after.attempt != job.attempt:
                    await self._discard(job)
                await delivery.ack()
                return
        events.failed(error, after)
        await self._discard(job)
        if after.state is JobState.RETRY:
            await self._settlement.later(delivery, self._settings.retry_delay)
        else:
            await self._settlement.ended(delivery, after)

    async def _give_back(
        self, delivery: Delivery, job: Job, reason: str, events: AttemptEvents
    ) -> None:
        """Give the job up for the time being, for something that is no fault of its own."""

        def release() -> Awaitable[None]:
            now = self._clock()
            retry_at = now + self._settings.retry_delay
            return self._jobs.release(job.id, job.attempt, reason, now=now, retry_at=retry_at)

        try:
            await until_answered(release)
        except LeaseLost:
            events.lease_lost()
            await delivery.ack()
            return
        events.given_back("storage_unavailable", f"given back: {reason}")
        await self._discard(job)
        await self._settlement.later(delivery, self._settings.retry_delay)

    async def _leave(self, claim: Claim) -> None:
        """Give up, at shutdown, what a claim may have got whose answer has not arrived."""
        with suppress(JobNotFound):
            try:
                async with asyncio.timeout(GOODBYE):
                    job = await claim.granted()
            except (Unavailable, TimeoutError) as error:
                log.warning("job=%s may be claimed: %s", claim.job_id, _described(error))
                return
            if job is not None:
                with self._events.attempt(job, claim.asked[-1]) as events:
                    await self._hand_back(job, events)

    async def _hand_back(self, job: Job, events: AttemptEvents) -> None:
        """Give the job up at shutdown; what fails here is healed when the lease runs out."""
        deadline = asyncio.get_running_loop().time() + GOODBYE
        try:
            async with asyncio.timeout_at(deadline):
                await self._jobs.release(
                    job.id, job.attempt, f"{self._name} is shutting down", now=self._clock()
                )
        except LeaseLost:
            return
        except (Unavailable, TimeoutError) as error:
            log.warning(
                "job=%s attempt=%d not handed back: %s", job.id, job.attempt, _described(error)
            )
            return
        events.given_back("shutdown", "handed back")
        await self._discard(job, deadline)

    async def _discard(self, job: Job, deadline: float | None = None) -> None:
        """What cannot be removed until then, by the loop's clock, is left to the sweeper."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._job_run.discard(job)
        except (CsvmillError, TimeoutError) as error:
            log.warning(
                "job=%s attempt=%d left output behind: %s", job.id, job.attempt, _described(error)
            )


def _described(error: Exception) -> str:
    return str(error) or "no answer in time"
