"""The port to the datasets: complete uploads, of which jobs can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.jobs.dataset import Dataset, DatasetPosition


class Datasets(Protocol):
    """Knows the complete uploads: names, digests, how long they are kept, and which jobs need them.

    Times are parameters, in Unix seconds. Adapter: `shared.jobs.datasets`, which belongs to the job
    store. That an upload is known here does not mean that storage still has its bytes.
    Every method raises DatabaseUnavailable when the database does not answer in time.
    """

    async def record(self, dataset: Dataset) -> bool:
        """Record an upload that is complete; return whether these bytes were not known before.

        Does nothing if they were.
        """
        ...

    async def keep(self, dataset: Dataset, keep_until: float | None, *, now: float) -> Dataset:
        """Keep an upload until a time, until it is deleted, or no longer than jobs need it (None).

        Returns it afterwards. Raises InputRemoved if a client has begun to delete it.
        """
        ...

    async def get(self, upload_id: UUID, *, tenant: Tenant | None = None) -> Dataset | None:
        """Return an upload that was recorded, asked or kept; None if it was not."""
        ...

    async def remove(self, upload_id: UUID, *, unless_needed: bool, now: float) -> bool:
        """Record that the bytes of an upload are about to be deleted; return whether they may be.

        From then on, no job can be asked of it: of a call of this method and one of
        `JobControl.ask`, one comes first. Jobs of the upload itself are not looked at. Returns
        False if it is to be kept `unless_needed`, and it is kept, or another job that has not
        expired reads it. Raises UploadInUse if another job that has not ended reads it.
        """
        ...

    async def listed(
        self,
        tenant: Tenant,
        *,
        name: str | None = None,
        after: DatasetPosition | None = None,
        limit: int,
    ) -> Sequence[Dataset]:
        """Return up to `limit` uploads of a tenant, newest first, of files with this `name`.

        `after`: only those that follow this position in the list. Continuing from the last upload
        of each page returns every one that existed at the start exactly once.
        """
        ...

    async def jobs_of(
        self, upload_ids: Sequence[UUID], *, limit: int
    ) -> Mapping[UUID, Sequence[UUID]]:
        """Return the ids of up to `limit` jobs that read each of these uploads, newest first."""
        ...

    async def forget(self, dataset: Dataset, *, now: float) -> None:
        """Remove what is recorded of an upload whose bytes are gone, unless it is still needed.

        Does nothing if it was sent again meanwhile.
        """
        ...

    def unneeded(self, *, now: float) -> AsyncIterator[Dataset]:
        """Iterate over the uploads that are recorded, and that nothing needs."""
        ...

    async def check_unread(self, upload_id: UUID) -> None:
        """Raise UploadInUse if jobs that have not ended read an upload, beside its own."""
        ...

    async def needed(self, upload_ids: Sequence[UUID], *, now: float) -> frozenset[UUID]:
        """Return those of some uploads whose bytes must stay: for some hundreds at a time.

        An upload is needed while a job that has not expired reads it, and while it is kept. One
        that was removed is needed only by jobs that have not ended.
        """
        ...
