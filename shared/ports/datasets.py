"""The port to the datasets: complete uploads, of which jobs can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.jobs.dataset import Dataset, DatasetPosition


class Datasets(Protocol):
    """Knows the complete uploads: names, digests, how long they are kept, and which jobs need them.

    Times are parameters, in Unix seconds. Adapter: `shared.jobs.datasets`, which belongs to the job
    store. That an upload is known here does not mean that storage still has its bytes.
    Every method raises DatabaseUnavailable when the database does not answer in time.
    """

    async def record(self, dataset: Dataset) -> None:
        """Record an upload that is complete. Does nothing if it is known with this version."""
        ...

    async def get(self, upload_id: UUID, *, tenant: Tenant | None = None) -> Dataset | None:
        """Return an upload that was recorded, asked or kept; None if it was not."""
        ...

    async def remove(self, upload_id: UUID, *, unless_needed: bool, now: float) -> bool:
        """Record that the bytes of an upload are about to be deleted; return whether they may be.

        From then on, no job can be asked of it: of a call of this method and one of
        `JobStore.ask`, one comes first. Jobs of the upload itself are not looked at. Returns False
        if it is to be kept `unless_needed`, and it is kept, or another job that has not expired
        reads it. Raises UploadInUse if another job that has not ended reads it.
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

    async def check_unread(self, upload_id: UUID) -> None:
        """Raise UploadInUse if jobs that have not ended read an upload, beside its own."""
        ...

    async def needed(self, upload_ids: Sequence[UUID], *, now: float) -> frozenset[UUID]:
        """Return those of some uploads whose bytes must stay: for some hundreds at a time.

        An upload is needed while a job that has not expired reads it, and while it is kept. One
        that was removed is needed only by jobs that have not ended.
        """
        ...
