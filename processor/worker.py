"""The worker: handles wake-ups. It claims the job, runs an attempt, and records the outcome.

It commits the outcome before it acks the wake-up. If it dies in between, the wake-up is delivered
again, and the next claim finds the outcome in the database.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING

from processor.attempt.acknowledge import AckHandler
from processor.attempt.backoff import StorageGate, until_answered
from processor.attempt.claim import Claim, ClaimTimes
from processor.attempt.lease import Lease
from processor.attempt.outcomes import RELEASE_TIMEOUT, Outcomes, text_of
from processor.attempt.progress import ProgressRecorder
from processor.attempt.storage_fault import is_caused_by
from processor.engines.usage import Outgrown
from processor.events import ProcessorEvents
from processor.slots import Slots
from shared.errors import (
    JobNotFound,
    LeaseLost,
    MalformedInput,
    StorageFull,
    Unavailable,
)
from shared.telemetry.ids import Ids, bound_ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from processor.attempt.run import Completed, JobRun
    from processor.attempt_events import AttemptEvents
    from processor.settings import WorkSettings
    from shared.jobs.job import Job
    from shared.ports import Bus, Delivery, JobStore


LAST_SLOT_POLL = 1.0
"""Seconds between two looks for a job that may have the last free slot. Meanwhile, it has a wake-up
that will be spent on that job."""

HEAD_START_WAIT = 1.0
"""Seconds until the next try to claim a job that another processor may claim first."""

log = logging.getLogger(__name__)


class Worker:
    """Handles one wake-up per call of `handle`. Calls may overlap."""

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
        slots: int = 1,
        small_slots: int = 1,
    ) -> None:
        """`slots`: how many jobs run at a time, and `small_slots`: how many small ones besides."""
        self._jobs = jobs
        self._job_run = job_run
        self._storage = StorageGate(job_run.ping)
        self._settings = settings
        self._events = events or ProcessorEvents.uncounted()
        self._acks = AckHandler(jobs, bus, self._events, clock)
        self._outcomes = Outcomes(
            jobs, job_run, self._storage, self._acks, worker=name, retry_delay=settings.retry_delay,
            clock=clock,
        )  # fmt: skip
        self._name = name
        self._clock = clock
        self._claim_times = ClaimTimes(clock)
        self._slots = {False: Slots(slots), True: Slots(small_slots)}
        """By whether it is for small jobs."""
        self._handling: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def handle(self, delivery: Delivery) -> None:
        """Run an attempt at the job whose turn it is, then ack or delay the wake-up.

        That is the job of the wake-up, or another one, whose wake-up is then left for it.
        """
        await self._until_handled(delivery, named=False)

    async def handle_own(self, delivery: Delivery) -> None:
        """Run an attempt at the job of the wake-up, if it can be claimed, in turn or not."""
        await self._until_handled(delivery, named=True)

    async def _until_handled(self, delivery: Delivery, *, named: bool) -> None:
        if self._stopping:
            return
        task = asyncio.create_task(self._handle(delivery, named=named))
        self._handling.add(task)
        try:
            # If `stop` cancels the task, the wake-up is not acked and goes to another worker.
            await asyncio.wait((task,))
        finally:
            self._handling.discard(task)
        if not task.cancelled():
            task.result()

    async def stop(self) -> None:
        """Release every running job without a delay, and take no more. Bounded in time.

        Their wake-ups are not acked: leaving `Bus.consume` returns them to the broker.
        """
        self._stopping = True
        for task in self._handling:
            task.cancel()
        if self._handling:
            await asyncio.wait(self._handling, timeout=2 * RELEASE_TIMEOUT)

    async def _handle(self, delivery: Delivery, *, named: bool) -> None:
        job_id = delivery.wakeup.job_id
        # Without storage, a claimed job would only fail.
        await self._storage.passed()
        try:
            if named:  # in the slot of its head start
                await self._claim_and_run(delivery, named=True)
            else:
                await self._claim_in_a_slot(delivery)
        except JobNotFound:
            self._events.unknown_job(job_id)
            await delivery.dead_letter()

    async def _claim_in_a_slot(self, delivery: Delivery) -> None:
        slots = self._slots[delivery.wakeup.small]
        while True:
            last = slots.only_last_is_free
            with slots.taken():
                if await self._claim_and_run(delivery, last_slot=last):
                    return
            await slots.freed(LAST_SLOT_POLL)

    async def _claim_and_run(
        self, delivery: Delivery, *, named: bool = False, last_slot: bool = False
    ) -> bool:
        """Handle the wake-up; return whether that is done.

        It is not if it is for the last slot, and the tenants that wait run other jobs: then it may
        be the only wake-up that is left for one of theirs, whatever job it names.
        """
        claim = Claim(
            self._jobs,
            delivery.wakeup,
            worker=self._name,
            lease=self._settings.lease,
            times=self._claim_times,
            max_running=self._settings.tenant_max_running,
            named=named,
            last_slot=last_slot,
        )
        try:
            claimed = await claim.make()
        except asyncio.CancelledError:
            await asyncio.shield(self._release_unanswered(claim))
            raise
        if claimed is None:
            return await self._handle_unclaimed(delivery, claim)
        job = claimed.job
        if claimed.limited:
            delivery = self._acks.replaced(delivery, job.tenant, self._settings.tenant_max_running)
        with self._bound_ids(delivery, job), self._events.attempt(job, claim.time) as events:
            try:
                await self._attempt(delivery, job, events)
            except asyncio.CancelledError:
                # Does nothing if the outcome is recorded already, as the lease is lost then.
                await asyncio.shield(self._outcomes.release_at_shutdown(job, events))
                raise
        return True

    def _bound_ids(self, delivery: Delivery, job: Job) -> AbstractContextManager[None]:
        # The ids that came with the wake-up of another job are not those of this one.
        return nullcontext() if delivery.wakeup.job_id == job.id else bound_ids(Ids())

    async def _handle_unclaimed(self, delivery: Delivery, claim: Claim) -> bool:
        """See `_claim_and_run`."""
        job = await until_answered(lambda: self._jobs.get(delivery.wakeup.job_id))
        if claim.last_slot and await claim.possible_in_another_slot():
            return False
        if not job.state.terminal:
            # Another attempt holds a lease that has not run out, the next attempt is delayed,
            # another processor has a head start, or the tenant runs as many jobs as it may.
            claimable_at = job.lease_until or job.retry_at
            if (claimable_at or 0.0) <= claim.time and await until_answered(
                lambda: self._jobs.is_full(
                    job.tenant, max_running=self._settings.tenant_max_running
                )
            ):
                # The end of one of those jobs wakes the next.
                self._events.waiting_for_its_tenant(job)
                await delivery.ack()
                return True
            wait = max((claimable_at or claim.time + HEAD_START_WAIT) - claim.time, 0.0)
            self._events.waiting(job, wait)
            await self._acks.delay(delivery, wait)
            return True
        if claim.recorded_loss(job):
            self._events.last_attempt_lost(job)
        await self._acks.ack_ended(delivery, job)
        return True

    async def _attempt(self, delivery: Delivery, job: Job, events: AttemptEvents) -> None:
        try:
            await self._check_fetched(job)
            completed = await self._run_leased(job, events, small=delivery.wakeup.small)
            await self._outcomes.succeed(job, completed)
        except LeaseLost:
            events.lease_lost()
            await self._outcomes.discard(job)
            await delivery.ack()
        except Outgrown as error:
            await self._outcomes.move_to_the_others(delivery, job, str(error), events)
        except Exception as error:  # noqa: BLE001  (every failure is recorded)
            if is_caused_by(error, StorageFull):
                # A database on the same disk may need the space of the output to record it.
                await self._outcomes.discard(job)
            await self._outcomes.fail(delivery, job, error, events)
        else:
            events.succeeded(completed.result, completed.report, completed.cached_from)
            await delivery.ack()

    async def _check_fetched(self, job: Job) -> None:
        """Raise MalformedInput if an input could not be had from where it is."""
        if any(each.url is not None for each in job.inputs):
            reason = await until_answered(lambda: self._jobs.fetches.failure_of(job.id))
            if reason is not None:
                raise MalformedInput(reason)

    async def _run_leased(self, job: Job, events: AttemptEvents, *, small: bool) -> Completed:
        """Run the attempt while its lease is renewed. Raises LeaseLost."""
        lease = Lease(self._jobs, job, events, seconds=self._settings.lease, clock=self._clock)
        progress = ProgressRecorder(self._jobs, job, self._settings.progress_interval)
        recording = asyncio.create_task(progress.run())
        try:
            return await lease.keep_during(
                self._job_run.run(job, progress.update, queued=events.waited, small=small)
            )
        finally:
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)

    async def _release_unanswered(self, claim: Claim) -> None:
        """Release the job, at shutdown, if a claim was granted whose answer has not arrived."""
        try:
            async with asyncio.timeout(RELEASE_TIMEOUT):
                job = await claim.granted()
        except (Unavailable, TimeoutError) as error:
            log.warning(
                "a claim may have succeeded although no worker runs the job (its lease will "
                "expire): %s",
                text_of(error),
            )
            return
        if job is not None:
            with self._events.attempt(job, claim.time) as events:
                await self._outcomes.release_at_shutdown(job, events)
