"""Claims a job for a worker, and recognises claims whose answer got lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.attempt.backoff import until_answered
from shared.jobs.job import JobState
from shared.jobs.turns import Claimed

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.jobs.job import Job
    from shared.jobs.wake_up import WakeUp
    from shared.ports import JobClaims

APART = 1e-6
"""Seconds between two claims of a worker at least, as their times tell them apart."""


class ClaimTimes:
    """A clock that never returns the same time twice."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._latest = 0.0

    def __call__(self) -> float:
        """Return the time in Unix seconds."""
        now = self._clock()
        if abs(now - self._latest) < APART:
            now = self._latest + APART
        self._latest = now
        return now


class Claim:
    """Claims one job for one worker; repeats the claim until the database answers.

    A claim can be granted without its answer arriving: the connection broke during the commit, or
    the worker was stopped. The times of the claims identify them: the row of a job shows whether
    one of them was granted.
    """

    def __init__(
        self,
        jobs: JobClaims,
        wakeup: WakeUp,
        *,
        worker: str,
        lease: float,
        times: ClaimTimes,
        max_running: int | None = None,
        named: bool = False,
        last_slot: bool = False,
    ) -> None:
        """`lease`: length of the lease in seconds. `times`: those of the worker.

        `named`: claim the job of the wake-up, and not the one whose turn it is. `max_running`: see
        `JobClaims.claim_next`.
        """
        self._jobs = jobs
        self._wakeup = wakeup
        self._worker = worker
        self._lease = lease
        self._clock = times
        self._max_running = max_running
        self._named = named
        self.last_slot = last_slot
        """Whether it is for the last free slot (see `JobClaims.claim_next`)."""
        self._times: list[float] = []
        """When each claim was made, in Unix seconds."""

    @property
    def time(self) -> float:
        """When the latest claim was made, in Unix seconds."""
        return self._times[-1]

    async def make(self) -> Claimed | None:
        """Return the job that this worker holds now; None if there is none to claim.

        Raises JobNotFound if there is none, nor the job of the wake-up.
        """
        return await until_answered(self._claim)

    async def granted(self) -> Job | None:
        """Return the job that one of the claims made so far was granted. Raises Unavailable."""
        for time in self._times:
            job = await self._jobs.claimed(worker=self._worker, lease_until=time + self._lease)
            if job is not None:
                return job
        return None

    async def possible_in_another_slot(self) -> bool:
        """Whether the latest claim would have been granted for a slot that is not the last."""
        return await until_answered(
            lambda: self._jobs.has_next(
                self._wakeup, worker=self._worker, now=self.time, max_running=self._max_running
            )
        )

    def recorded_loss(self, job: Job) -> bool:
        """Whether one of these claims failed the job because its last attempt was lost."""
        return job.state is JobState.FAILURE and job.finished_at in self._times

    async def _claim(self) -> Claimed | None:
        if (job := await self.granted()) is not None:
            return Claimed(job, limited=True)
        # The lease starts with this try: one from before an outage would have run out already.
        now = self._clock()
        self._times.append(now)
        # A small job is no reason for a machine to crash, after which it would start anew.
        durable = not self._wakeup.small
        if self._named:
            job = await self._jobs.claim(
                self._wakeup.job_id,
                worker=self._worker,
                lease_until=now + self._lease,
                now=now,
                durable=durable,
            )
            return None if job is None else Claimed(job, limited=True)
        return await self._jobs.claim_next(
            self._wakeup,
            worker=self._worker,
            lease_until=now + self._lease,
            now=now,
            max_running=self._max_running,
            last_slot=self.last_slot,
            durable=durable,
        )
