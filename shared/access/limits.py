"""What a tenant may use, and what it uses."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.access.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Limits:
    """What a tenant may use. None is no limit, or, of a single tenant, the limit of all."""

    max_bytes: int | None = None
    """Bytes of its uploads, also those that have not arrived yet, and of its results."""
    max_uploads: int | None = None
    """Uploads in progress."""
    max_upload_size: int | None = None
    """Bytes of one upload."""
    max_waiting: int | None = None
    """Jobs that wait for an attempt."""
    requests_per_second: float | None = None
    """Requests of which one gateway answers so many a second, on average over ten seconds."""

    def over(self, defaults: Limits) -> Limits:
        """Return these limits, and the `defaults` where they say nothing."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(
            defaults, **{name: value for name, value in own.items() if value is not None}
        )


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """What the operator has set for one tenant. None: as the settings of the services say."""

    tenant: Tenant
    weight: int | None = None
    """Its turns for each one of a tenant with the weight 1."""
    max_running: int | None = None
    """Its jobs that run at a time."""
    max_bytes: int | None = None
    max_uploads: int | None = None
    max_upload_size: int | None = None
    max_waiting: int | None = None
    requests_per_second: float | None = None

    def values(self) -> dict[str, float | None]:
        """Return the settings by name, without the tenant."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name != "tenant"
        }


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tenant uses."""

    stored: int = 0
    """Bytes of the inputs and results of its jobs that are kept."""
    reserved: int = 0
    """Bytes that its uploads in progress may need."""
    uploads: int = 0
    """Uploads in progress."""
    waiting: int = 0
    """Jobs that wait for an attempt."""

    @property
    def bytes(self) -> int:
        """All bytes that count."""
        return self.stored + self.reserved


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an upload got no reservation."""

    limit: str
    """The name of the limit that it would exceed."""
    used: int
    """How much of it the tenant's other uploads and jobs use."""
