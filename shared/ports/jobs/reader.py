"""The port to jobs and their attempts for those who only read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.jobs.job import Attempt, Found, Job, JobFilter, JobPosition, Unfinished


class JobReader(Protocol):
    """Reads jobs and their attempts. See `JobStore`."""

    async def get(self, job_id: UUID, *, tenant: Tenant | None = None) -> Job:
        """Return a job. Raises JobNotFound."""
        ...

    async def of_upload(self, upload_id: UUID, *, tenant: Tenant | None = None) -> Job | None:
        """Return the job of an upload, if it has one."""
        ...

    async def get_many(self, job_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        """Return the existing ones of these jobs by id. For some hundreds at a time."""
        ...

    async def of_uploads(self, upload_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        """Return the jobs of these uploads by upload id."""
        ...

    async def answered(self, tenant: Tenant, answer_key: str) -> Job | None:
        """Return the latest job of a tenant with this `answer_key` whose result is kept."""
        ...

    async def newest(
        self, wanted: JobFilter, *, after: JobPosition | None = None, limit: int
    ) -> Sequence[Job]:
        """Return up to `limit` jobs of a tenant that match a filter, newest first.

        `after`: only the jobs that follow this position in the list. Continuing from the last job
        of each page returns every job that existed at the start exactly once, also while jobs are
        created. With a filter on states, a job that changes its state may be missed.
        The cost depends on `limit` and not on the number of jobs; with a `filename`, on the number
        of the tenant's jobs that have it.
        """
        ...

    async def search(
        self,
        part: str,
        wanted: JobFilter,
        *,
        after: JobPosition | None = None,
        limit: int,
        examine: int,
    ) -> Found:
        """Return jobs whose file names contain `part`, newest first.

        Upper and lower case, and the Unicode forms of letters with accents, do not matter. Among
        the next `examine` jobs that match the filter (without its `filename`) after the position
        `after`, up to `limit` are returned: fewer, or none, does not mean that nothing is left.
        Continuing after each `rest` finds every job once, as `newest`. The cost depends on
        `examine` and `limit` alone.
        """
        ...

    async def unfinished(self, *, limit: int) -> Unfinished:
        """Count the jobs that have not ended, up to the `limit` oldest."""
        ...

    async def attempts(self, job_id: UUID) -> Sequence[Attempt]:
        """Return every attempt of a job in order."""
        ...

    async def attempts_of_many(
        self, job_ids: Sequence[UUID], *, first: int, last: int
    ) -> Mapping[UUID, Sequence[Attempt]]:
        """Return attempts of these jobs by job id, in order. For some hundreds at a time.

        Of each job, these are the `first` and the `last` ones.
        """
        ...
