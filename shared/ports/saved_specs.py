"""The port to the specs that tenants have saved under names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shared.jobs.saved_spec import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.access.tenant import Tenant
    from shared.aggregation.spec import Aggregation
    from shared.jobs.saved_spec import Expected, SavedSpec


class SavedSpecs(Protocol):
    """Holds the saved specs of all tenants, each known to its tenant alone.

    A change that a client makes is recorded in the audit trail with it. Times are Unix seconds.
    Every method raises DatabaseUnavailable when the database does not answer in time.
    """

    async def find(self, tenant: Tenant, name: str) -> SavedSpec:
        """Return a spec. Raises SpecNotFound."""
        ...

    async def listed(self, tenant: Tenant) -> Sequence[SavedSpec]:
        """Return the specs of a tenant by name."""
        ...

    async def save(
        self,
        tenant: Tenant,
        name: str,
        aggregation: Aggregation,
        *,
        now: float,
        expected: Expected = ANYTHING,
    ) -> tuple[SavedSpec, bool]:
        """Save a spec, or replace the one of this name; return it, and whether it is new.

        Raises PreconditionFailed if the spec is not as `expected`, and TooManySpecs.
        """
        ...

    async def delete(
        self, tenant: Tenant, name: str, *, now: float, expected: Expected = ANYTHING
    ) -> None:
        """Delete a spec. Jobs that were created with it stay as they are.

        Raises SpecNotFound, and PreconditionFailed if it is not as `expected`.
        """
        ...
