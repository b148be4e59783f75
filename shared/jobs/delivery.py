"""Deliveries: results that are sent to object storage. Values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from shared.access.tenant import Tenant


class DeliveryState(StrEnum):
    """What became of a delivery."""

    PENDING = "PENDING"
    """The job has not succeeded yet, or the result is on its way."""
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A result that a processor sends."""

    job_id: UUID
    tenant: Tenant
    url: str
    token: int
    """How often it was taken: the fencing token of who took it last."""
    failures: int
    """How often it has failed."""
