"""What callers are told while bytes are on their way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from csvmill.client.job_view import JobView


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload or a download is, in bytes."""

    done: int
    """Those under way count; they are taken back if they have to be sent again."""
    total: int | None
    """None while it is not known."""
    held: int
    """Of `done`, what was there before this call: it says nothing about speed."""


ReportProgress = Callable[[Progress], None]
ReportJob = Callable[[JobView], None]


def unheard(_: object) -> None:
    """For callers who do not want to know."""


class Meter:
    """Adds up what several tasks move, and reports it."""

    def __init__(self, report: ReportProgress, *, total: int | None, held: int) -> None:
        self._report = report
        self._total = total
        self._held = held
        self._done = held
        report(Progress(held, total, held))

    def move(self, size: int) -> None:
        """`size` bytes more, or fewer if negative."""
        self._done += size
        self._report(Progress(self._done, self._total, self._held))
