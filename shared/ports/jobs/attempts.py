"""The port by which a worker holds and ends an attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from shared.jobs.job import Job, JobProgress, JobResult
    from shared.jobs.report import Report


class JobAttempts(Protocol):
    """Renews and ends the attempts that are running. See `JobStore`."""

    async def heartbeat(self, job_id: UUID, attempt: int, *, lease_until: float) -> None:
        """Renew the lease of a running attempt; a lease that lasts longer is not shortened.

        Raises LeaseLost if the attempt no longer holds the job: another has claimed it, it was
        cancelled, or it has ended.
        """
        ...

    async def record_progress(self, job_id: UUID, attempt: int, progress: JobProgress) -> bool:
        """Record the progress of a running attempt; return whether it still holds the job.

        The lease is not changed. The next attempt starts without progress.
        """
        ...

    async def succeed(
        self,
        job_id: UUID,
        attempt: int,
        result: JobResult,
        *,
        now: float,
        report: Report | None = None,
        answer_key: str | None = None,
        cached_from: UUID | None = None,
    ) -> None:
        """Record success, the result and the report in one step. Raises LeaseLost.

        `answer_key` is the digest of all that the result depends on: see `JobReader.answered`.
        `cached_from` is the job whose result it is, if it was copied.
        The same attempt may repeat the call with the same result: after DatabaseUnavailable it
        cannot know whether the first call was committed.
        """
        ...

    async def fail(
        self,
        job_id: UUID,
        attempt: int,
        reason: str,
        *,
        final: bool,
        now: float,
        retry_at: float | None = None,
        report: Report | None = None,
    ) -> Job:
        """Record a failed attempt. The job fails if `final` or if attempts are used up.

        `final` means that any further attempt would fail in the same way. If the attempts are used
        up, and only then, a dead letter becomes due (`Job.dead_letter_due_at`). Otherwise the next
        attempt starts at `retry_at` or later, and needs a new wake-up. `report` has the problems
        of the file, if they are the reason, and what the attempt used.

        Returns the job afterwards. Raises LeaseLost.
        """
        ...

    async def release(
        self,
        job_id: UUID,
        attempt: int,
        reason: str,
        *,
        now: float,
        retry_at: float | None = None,
        outgrown: bool = False,
    ) -> None:
        """Give the job back without an outcome, for another worker to claim.

        The next attempt starts at `retry_at` or later; without it, at any time. A job that has
        `outgrown` the small ones waits among the others. The attempt is recorded as released and
        does not count towards `max_attempts`. Raises LeaseLost.
        """
        ...
