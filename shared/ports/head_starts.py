"""The port to the head starts: uploads that processors aggregate while they are received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shared.access.tenant import DEFAULT_TENANT
from shared.jobs.head_start import NO_LIMIT

if TYPE_CHECKING:
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.jobs.head_start import HeadStart, HeadStartProgress


class HeadStarts(Protocol):
    """Offers uploads to processors, and shows how far those have come.

    Times are parameters, in Unix seconds. Adapter: `shared.jobs.head_starts`, which belongs to the
    job store: `JobClaims.claim` prefers the processor that holds the head start of the upload.
    Every method raises DatabaseUnavailable when the database does not answer in time.
    """

    async def offer(self, upload_id: UUID, *, tenant: Tenant = DEFAULT_TENANT, now: float) -> None:
        """Offer an upload of a tenant to processors. Does nothing if it was offered before."""
        ...

    async def take(
        self, *, worker: str, held_until: float, now: float, tenant_limit: int = NO_LIMIT
    ) -> HeadStart | None:
        """Take an upload that no processor holds, with a new token; None if there is none.

        It is the oldest of the tenant of whose uploads processors hold the fewest, and fewer than
        `tenant_limit`. One whose `held_until` has passed is taken from its worker.
        """
        ...

    async def renew(
        self,
        upload_id: UUID,
        token: int,
        *,
        held_until: float,
        progress: HeadStartProgress,
    ) -> bool:
        """Hold it for longer, and record its progress; return whether the token still holds it."""
        ...

    async def release(self, upload_id: UUID, token: int) -> None:
        """Give it back, for any processor to take. Does nothing for an older token."""
        ...

    async def withdraw(self, upload_id: UUID, token: int) -> None:
        """Remove it; the upload can be offered again. Does nothing for an older token."""
        ...

    async def end(self, upload_id: UUID, token: int, reason: str, *, now: float) -> None:
        """Give it up for good, as another try would fail too. Does nothing for an older token."""
        ...

    async def of_upload(self, upload_id: UUID) -> HeadStart | None:
        """Return the head start of an upload, if it was offered."""
        ...

    async def remove_old(self, *, offered_before: float, now: float) -> None:
        """Remove those that were offered before, and that no processor holds."""
        ...
