"""Claims a job for a worker, and recognises claims whose answer got lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.attempt.backoff import until_answered
from shared.jobs.job import Job, JobState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from shared.ports import JobStore


class Claim:
    """Claims one job for one worker; repeats the claim until the database answers.

    A claim can be granted without its answer arriving: the connection broke during the commit, or
    the worker was stopped. The times of the claims identify them: the job's row shows whether one
    of them was granted.
    """

    def __init__(
        self,
        jobs: JobStore,
        job_id: UUID,
        *,
        worker: str,
        lease: float,
        clock: Callable[[], float],
        durable: bool = True,
    ) -> None:
        """`lease`: length of the lease in seconds. `durable`: see `JobStore.claim`."""
        self.job_id = job_id
        self._jobs = jobs
        self._worker = worker
        self._lease = lease
        self._clock = clock
        self._durable = durable
        self._times: list[float] = []
        """When each claim was made, in Unix seconds."""

    @property
    def time(self) -> float:
        """When the latest claim was made, in Unix seconds."""
        return self._times[-1]

    async def make(self) -> tuple[Job, bool]:
        """Return the job, and whether this worker holds it now. Raises JobNotFound."""
        job = await until_answered(self._claim)
        if job is not None:
            return job, True
        job = await until_answered(lambda: self._jobs.get(self.job_id))
        return job, self._is_granted(job)

    async def granted(self) -> Job | None:
        """Return the job if one of the claims made so far was granted.

        Reads the job once. Raises JobNotFound, DatabaseUnavailable.
        """
        if not self._times:
            return None
        job = await self._jobs.get(self.job_id)
        return job if self._is_granted(job) else None

    def recorded_loss(self, job: Job) -> bool:
        """Whether one of these claims failed the job because its last attempt was lost."""
        return job.state is JobState.FAILURE and job.finished_at in self._times

    def _claim(self) -> Awaitable[Job | None]:
        # The lease starts with this try: one from before an outage would have run out already.
        now = self._clock()
        self._times.append(now)
        return self._jobs.claim(
            self.job_id,
            worker=self._worker,
            lease_until=now + self._lease,
            now=now,
            durable=self._durable,
        )

    def _is_granted(self, job: Job) -> bool:
        return (
            job.state is JobState.STARTED
            and job.worker == self._worker
            and job.lease_until in [time + self._lease for time in self._times]
        )
