"""The port to the table of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from shared.blobs.blob import BlobKey
    from shared.jobs.job import (
        Aggregation,
        Attempt,
        Job,
        JobFilter,
        JobPosition,
        JobProgress,
        JobResult,
        Unfinished,
    )
    from shared.jobs.report import Report


class JobStore(Protocol):
    """The truth about jobs. Every transition is a compare-and-set in the database.

    Times are Unix seconds and passed in. Adapter: `shared.jobs.store` on PostgreSQL or SQLite.
    A lease that runs out takes nothing from its attempt until another claims the job: a late
    worker may still renew it, or finish.
    Any method raises DatabaseUnavailable when the database does not answer in time.
    """

    async def create(
        self,
        *,
        upload_id: UUID,
        input_key: BlobKey,
        input_size: int,
        filename: str,
        aggregation: Aggregation,
        max_attempts: int,
        now: float,
    ) -> Job:
        """Make the job of an upload in state PENDING, or return the one it has already.

        However many callers race, an upload has exactly one job.
        """
        ...

    async def get(self, job_id: UUID) -> Job:
        """Raises JobNotFound."""
        ...

    async def of_upload(self, upload_id: UUID) -> Job | None:
        """The job that an upload has become, if it has."""
        ...

    async def mark_published(self, job_id: UUID, now: float) -> None:
        """Note that the broker has taken responsibility for a wake-up of this job.

        Raises JobNotFound.
        """
        ...

    async def claim(
        self, job_id: UUID, *, worker: str, lease_until: float, now: float
    ) -> Job | None:
        """Take the job for a new attempt: STARTED, `attempt` counted up, leased to `worker`.

        None if it cannot be taken: it is finished, another attempt holds a lease that has not run
        out, or its next attempt has to wait (`get` tells which). The attempt of a lease that ran
        out is recorded as `lost`; a job whose `max_attempts`-th attempt was lost becomes FAILURE
        here, its dead letter is due, and None is returned. Raises JobNotFound.
        """
        ...

    async def heartbeat(self, job_id: UUID, attempt: int, *, lease_until: float) -> None:
        """Renew the lease of a running attempt; one that lasts longer already stays as it is.

        Raises LeaseLost if the job is no longer this attempt's: taken over, cancelled, finished.
        """
        ...

    async def record_progress(self, job_id: UUID, attempt: int, progress: JobProgress) -> bool:
        """Note how far a running attempt has come; whether the job is still this attempt's.

        It neither renews nor shortens the lease. A later attempt begins without progress.
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
    ) -> None:
        """Publish the result, its report and the state SUCCESS in one step. Raises LeaseLost.

        The attempt that has done so may repeat it with the same result: whoever was told
        DatabaseUnavailable cannot know whether it was committed.
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
        """Record why an attempt failed: FAILURE if `final` or the last attempt, else RETRY.

        `final` means that any further attempt would fail alike. Of a job that failed for want of
        attempts, and of no other, a dead letter is due from now on (`Job.dead_letter_due_at`).
        `report` says what is wrong with the file, if that is why, and what the attempt used.

        No attempt begins before `retry_at`, however many wake-ups there are. A wake-up that was
        noted before does not count for the next attempt.

        Returns the job as it stands afterwards. Raises LeaseLost.
        """
        ...

    async def release(
        self, job_id: UUID, attempt: int, reason: str, *, now: float, retry_at: float | None = None
    ) -> None:
        """Hand the job back unfinished, to be claimed by another worker: RETRY.

        No attempt begins before `retry_at`; without it, the next may begin at once.

        The attempt is recorded as `released` and does not count towards `max_attempts`.
        Raises LeaseLost.
        """
        ...

    async def cancel(self, job_id: UUID, *, now: float) -> Job:
        """REVOKED, unless the job is finished already; the job as it stands. Raises JobNotFound."""
        ...

    async def retry(self, job_id: UUID) -> Job | None:
        """Give a FAILURE another `max_attempts` attempts: RETRY, with no wake-up on its way.

        The job as it stands then; None if it has expired, or is in any other state (`get` tells
        which). What came of its attempts so far is kept, and their numbers go on. A dead letter
        that was due is so no longer.
        Raises JobNotFound.
        """
        ...

    async def overdue(
        self, *, now: float, unpublished_for: float, lost_before: float, limit: int
    ) -> Sequence[UUID]:
        """Jobs that need a (further) wake-up, oldest first.

        Those PENDING or RETRY for which no wake-up is on its way: none was noted since the job
        was made, `unpublished_for` seconds ago or earlier (until then it is left to its maker),
        or since its last attempt ended. Those whose lease has run out and that were not woken
        since. And those whose wake-up was published at `lost_before` or earlier, and has not been
        taken: it counts as lost. None of them is a RETRY before its `retry_at`. So a relay that
        publishes what it finds here and notes it does not repeat itself.
        """
        ...

    async def take_dead_letter(self, *, now: float, due_for: float) -> Job | None:
        """The job whose dead letter has been due longest, for the caller to put it there.

        None if there is none that has been due for `due_for` seconds. The one that is returned is
        due anew from now on, so that nobody else is given it before they have passed again. Two
        that ask at once may both be meant to have the same: one of them then gets None.
        """
        ...

    async def mark_dead_lettered(self, job_id: UUID, attempt: int, *, now: float) -> None:
        """Note that the broker has taken responsibility for the dead letter of this failure.

        Of the job whose last attempt was `attempt`. Nothing happens if that is noted already, or
        if the job has been retried since.
        """
        ...

    async def expire(self, *, finished_before: float, now: float, limit: int) -> int:
        """Note that the bytes of jobs are no longer kept: of those that finished before that
        time, and of those REVOKED at any time; at most `limit` of them, oldest first.

        How many they were. Final: an expired job can never be retried or claimed, so that from
        now on nothing reads what it read, nor may be written in its name.
        """
        ...

    async def expire_failed(self, job_id: UUID, *, now: float) -> Job:
        """Note that the bytes of a FAILURE are no longer kept, whenever it has failed.

        The job as it stands then: one in any other state stays as it is. Final, as `expire`.
        Raises JobNotFound.
        """
        ...

    async def get_many(self, job_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        """Those of the jobs that there are, by id. Meant for some hundreds at a time."""
        ...

    async def newest(
        self, wanted: JobFilter, *, after: JobPosition | None = None, limit: int
    ) -> Sequence[Job]:
        """The jobs that a filter lets through, newest first, `limit` at the most.

        `after`: only what follows that job in the list. Whoever goes on from the last job of each
        answer meets every job that was there at the beginning, once, however many are made
        meanwhile; one that changes its state may be met or not, if the filter asks for states.
        The cost depends on `limit`, not on how many jobs there are; with a `filename`, on how many
        have it.
        """
        ...

    async def of_uploads(self, upload_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        """The jobs of those of the uploads that have one, by the upload's id."""
        ...

    async def unfinished(self, *, limit: int) -> Unfinished:
        """Count the jobs that have not ended: the `limit` oldest of them, which bounds the cost."""
        ...

    async def attempts(self, job_id: UUID) -> Sequence[Attempt]:
        """Every attempt of a job, in order."""
        ...

    async def attempts_of_many(self, job_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Attempt]]:
        """The attempts of those of the jobs that have any, by the job's id, each in order.

        Meant for some hundreds of jobs at a time.
        """
        ...

    async def ping(self) -> None:
        """Return if the database can be used now. Raises DatabaseUnavailable."""
        ...
