"""The actions of the current request that the audit trail must record.

The list is in a context variable, which the tasks of the request inherit. Outside of a request
there is none: then nothing is noted.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.access.audit import Action


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done, and to what."""

    action: Action
    object: str
    """The id of the upload or job."""
    detail: str | None = None


_acts: ContextVar[list[Act] | None] = ContextVar("csvmill_acts", default=None)


def note(action: Action, of: object, detail: str | None = None) -> None:
    """Add an act of the running request."""
    acts = _acts.get()
    if acts is not None:
        acts.append(Act(action, str(of), detail))


@contextmanager
def noted_acts() -> Iterator[list[Act]]:
    """Yield the list to which the acts of the context are added."""
    acts: list[Act] = []
    token = _acts.set(acts)
    try:
        yield acts
    finally:
        _acts.reset(token)
