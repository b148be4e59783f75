"""On whose behalf the running code changes jobs, so that the job store records it with the change.

That is in a context variable, which tasks inherit. Without a caller, as in background tasks,
nothing is recorded.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.access.audit import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.access.audit import Action
    from shared.access.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, and from where."""

    tenant: Tenant
    key_id: str | None
    address: str

    def entry(self, action: Action, of: object, at: float, detail: str | None = None) -> AuditEntry:
        """Return the entry of an act at the time `at`."""
        return AuditEntry(at, self.tenant, self.key_id, self.address, action, str(of), detail)


_acting: ContextVar[Acting | None] = ContextVar("csvmill_acting", default=None)


def acting() -> Acting | None:
    """Return who acts; None without a caller, or if there is no audit trail."""
    return _acting.get()


@contextmanager
def acts_as(who: Acting) -> Iterator[None]:
    """Let `who` act in the context."""
    token = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(token)
