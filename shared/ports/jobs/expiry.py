"""The port by which jobs expire and results are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from shared.jobs.job import Job


class JobExpiry(Protocol):
    """Expires jobs, after which nothing needs their blobs. See `JobStore`."""

    async def expire(self, *, finished_before: float, now: float, limit: int) -> int:
        """Expire up to `limit` jobs, oldest first, and return their number.

        Expires jobs that finished before `finished_before`, and cancelled jobs of any age. Final:
        an expired job can never be retried or claimed, so its blobs are neither read nor written
        again.
        """
        ...

    async def expire_failed(self, job_id: UUID, *, now: float) -> Job:
        """Expire a failed job of any age; a job in another state is not changed.

        Returns the job afterwards. Final, as `expire`. Raises JobNotFound.
        """
        ...

    async def expire_ended(self, job_id: UUID, *, now: float) -> Job:
        """Expire a job that has ended, however and whenever; another job is not changed.

        Returns the job afterwards. Final, as `expire`. Raises JobNotFound.
        """
        ...

    async def delete_result(self, job_id: UUID, *, now: float) -> Job:
        """Record that the result of a job, with rejects and preview, is not needed any more.

        A job that has not succeeded, or has expired, is not changed. Returns the job afterwards.
        Final, as `expire`. Raises JobNotFound.
        """
        ...
