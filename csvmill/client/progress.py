"""Progress of a transfer, and the callbacks that receive it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.api.job import JobView


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """How far an upload or a download is, in bytes."""

    done: int
    """Includes bytes in flight; they are subtracted if they have to be sent again."""
    total: int | None
    """None while unknown."""
    held: int
    """The part of `done` from before this call. Leave it out when you compute a speed."""


ReportProgress = Callable[[TransferProgress], None]
ReportJob = Callable[["JobView"], None]


def ignore(_: object) -> None:
    """Ignore a report: the default callback."""


class Meter:
    """Adds up the bytes that several tasks transfer, and reports the sum."""

    def __init__(self, report: ReportProgress, *, total: int | None, held: int) -> None:
        self._report = report
        self._total = total
        self._held = held
        self._done = held
        report(TransferProgress(held, total, held))

    def add(self, size: int) -> None:
        """Add `size` bytes; negative if bytes have to be sent again."""
        self._done += size
        self._report(TransferProgress(self._done, self._total, self._held))
