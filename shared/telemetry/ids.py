"""The ids of the request, tenant, upload, job and attempt that the running code works for.

They are in a context variable. A task inherits them from the code that starts it; every log line,
request to storage and wake-up carries them.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID  # noqa: TC003  (a TypedDict evaluates its annotations)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from shared.telemetry.trace_context import TraceContext


@dataclass(frozen=True, slots=True)
class Ids:
    """The known ids; None where unknown."""

    request_id: str | None = None
    upload_id: UUID | None = None
    job_id: UUID | None = None
    attempt: int | None = None
    trace: TraceContext | None = None
    tenant: str | None = None
    key_id: str | None = None
    """The id of the API key, which is not secret."""
    client: str | None = None
    """The address of the client."""

    def fields(self) -> dict[str, str | int]:
        """Return the known ids as the fields of a log line."""
        found: dict[str, str | int] = {}
        if self.request_id is not None:
            found["request_id"] = self.request_id
        if self.upload_id is not None:
            found["upload_id"] = str(self.upload_id)
        if self.job_id is not None:
            found["job_id"] = str(self.job_id)
        if self.attempt is not None:
            found["attempt"] = self.attempt
        if self.trace is not None:
            found["trace_id"] = self.trace.trace_id
        if self.tenant is not None:
            found["tenant"] = self.tenant
        if self.key_id is not None:
            found["key_id"] = self.key_id
        if self.client is not None:
            found["client"] = self.client
        return found


class Known(TypedDict, total=False):
    """Ids to add."""

    upload_id: UUID | None
    job_id: UUID
    attempt: int
    tenant: str
    key_id: str | None
    client: str


_NOTHING = Ids()
_current: ContextVar[Ids] = ContextVar("csvmill_ids", default=_NOTHING)


def current_ids() -> Ids:
    """Return the ids of the current context."""
    return _current.get()


@contextmanager
def bound_ids(ids: Ids) -> Iterator[None]:
    """Bind exactly `ids` during the context, and what `bind_ids` adds to them."""
    token = _current.set(ids)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def also_bound_ids(**known: Unpack[Known]) -> Iterator[None]:
    """Add these ids during the context."""
    with bound_ids(replace(_current.get(), **known)):
        yield


def bind_ids(**known: Unpack[Known]) -> None:
    """Add these ids until the end of the surrounding `bound_ids`."""
    _current.set(replace(_current.get(), **known))
