"""What operators have set for single tenants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shared.api.view import View

if TYPE_CHECKING:
    from shared.access.limits import TenantSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantView(View):
    """What is set for a tenant. Null: what the settings of the services say of all tenants."""

    tenant: str
    """The name of the tenant."""
    weight: int | None
    """Its turns at the processors for each one of a tenant with the weight 1."""
    max_running: int | None
    """Its jobs that run at a time; 0 stops them."""
    max_waiting: int | None
    """Its jobs that wait."""
    max_bytes: int | None
    """Bytes that it may store, uploads in progress as large as they were declared."""
    max_uploads: int | None
    """Its uploads in progress."""
    max_upload_size: int | None
    """Bytes of one upload."""
    requests_per_second: float | None
    """Its requests to each gateway, on average over ten seconds."""

    @classmethod
    def of_settings(cls, found: TenantSettings) -> Self:
        """Return the view of what is set."""
        return cls(
            tenant=found.tenant,
            weight=found.weight,
            max_running=found.max_running,
            max_waiting=found.max_waiting,
            max_bytes=found.max_bytes,
            max_uploads=found.max_uploads,
            max_upload_size=found.max_upload_size,
            requests_per_second=found.requests_per_second,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantListView(View):
    """What is set for single tenants, by name."""

    tenants: tuple[TenantView, ...]
    """Those for which anything was ever set; all others are as the settings of the services say."""
