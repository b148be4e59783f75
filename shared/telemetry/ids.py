"""Which request, upload, job and attempt the running code works for.

Kept in a context variable: tasks inherit it from whoever starts them, and every log line, every
request to storage and every wake-up carries it.
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
    """What is known; None is what is not."""

    request_id: str | None = None
    upload_id: UUID | None = None
    job_id: UUID | None = None
    attempt: int | None = None
    trace: TraceContext | None = None

    def fields(self) -> dict[str, str | int]:
        """What is known, as a log line has it."""
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
        return found


class Known(TypedDict, total=False):
    """Ids that have become known."""

    upload_id: UUID
    job_id: UUID
    attempt: int


_NOTHING = Ids()
_current: ContextVar[Ids] = ContextVar("csvmill_ids", default=_NOTHING)


def current_ids() -> Ids:
    """What the running code works for."""
    return _current.get()


@contextmanager
def bound_ids(ids: Ids) -> Iterator[None]:
    """Within, work for exactly `ids`, and for what `bind_ids` adds to them."""
    token = _current.set(ids)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def also_bound_ids(**known: Unpack[Known]) -> Iterator[None]:
    """Within, work for these besides the current ones."""
    with bound_ids(replace(_current.get(), **known)):
        yield


def bind_ids(**known: Unpack[Known]) -> None:
    """From here on to the end of the `bound_ids` around, work for these besides."""
    _current.set(replace(_current.get(), **known))
