"""Head starts: uploads that are aggregated while they are received. Values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.access.tenant import DEFAULT_TENANT

if TYPE_CHECKING:
    from uuid import UUID

    from shared.access.tenant import Tenant


NO_LIMIT = (1 << 31) - 1
"""More uploads than any processors follow."""


@dataclass(frozen=True, slots=True)
class HeadStartProgress:
    """How far a processor has aggregated an upload that is still being received."""

    bytes_done: int
    """Bytes of the upload read so far."""
    rows_done: int | None = None
    """Rows read so far, without the header; None while unknown."""
    rows_estimated: bool = False
    """Whether `rows_done` is estimated from the length of the first records."""
    rows_rejected: int = 0
    """Bad records found so far."""
    first_problem: str | None = None
    """What is wrong with the first of them, with its line."""


@dataclass(frozen=True, slots=True)
class HeadStart:
    """An upload that a processor may aggregate while it is received. Times are Unix seconds.

    A hint and no promise: it may end at any time, and the job then reads the file as usual.
    """

    upload_id: UUID
    offered_at: float
    token: int
    """Fencing token: how often it was taken."""
    worker: str | None = None
    """The processor that took it last."""
    held_until: float | None = None
    """Until when the worker holds it, unless it renews that; None if none does."""
    ended_at: float | None = None
    """Since when no processor takes it any more; the job will read the file after the upload."""
    reason: str | None = None
    """Why it ended."""
    progress: HeadStartProgress | None = None
    tenant: Tenant = DEFAULT_TENANT
    """Whose upload it is."""
