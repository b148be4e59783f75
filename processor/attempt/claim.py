"""The claims that one wake-up makes on its job, those too whose answer got lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.attempt.backoff import until_answered
from shared.jobs.job import Job, JobState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from shared.ports import JobStore


class Claim:
    """Claims one job for one worker, as often as it takes until the database answers.

    A claim can be granted without its answer arriving: the connection broke during the commit, or
    the worker was told to stop. Nobody else makes claims by these times, so that the job's row
    tells whether it was one of these.
    """

    def __init__(
        self,
        jobs: JobStore,
        job_id: UUID,
        *,
        worker: str,
        lease: float,
        clock: Callable[[], float],
    ) -> None:
        self.asked: list[float] = []
        """When each claim was made, in Unix seconds."""
        self._jobs = jobs
        self.job_id = job_id
        self._worker = worker
        self._lease = lease
        self._clock = clock

    async def make(self) -> tuple[Job, bool]:
        """The job, and whether this worker has it now. Raises JobNotFound."""
        job = await until_answered(self._ask)
        if job is not None:
            return job, True
        job = await until_answered(lambda: self._jobs.get(self.job_id))
        return job, self._is_granted(job)

    async def granted(self) -> Job | None:
        """The job, if one of the claims was granted that are over; one look. Raises Unavailable."""
        if not self.asked:
            return None
        job = await self._jobs.get(self.job_id)
        return job if self._is_granted(job) else None

    def found_lost(self, job: Job) -> bool:
        """Whether one of these claims made it a FAILURE, having found its last attempt lost."""
        return job.state is JobState.FAILURE and job.finished_at in self.asked

    def _ask(self) -> Awaitable[Job | None]:
        # Read anew for each try: a lease from before an outage would have run out already.
        now = self._clock()
        self.asked.append(now)
        return self._jobs.claim(
            self.job_id, worker=self._worker, lease_until=now + self._lease, now=now
        )

    def _is_granted(self, job: Job) -> bool:
        return (
            job.state is JobState.STARTED
            and job.worker == self._worker
            and job.lease_until in [asked + self._lease for asked in self.asked]
        )
