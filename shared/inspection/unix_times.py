"""Find columns of integers that may be Unix times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.aggregation.common_dates import COMMON_EPOCHS

_FEW = 3
"""So many different numbers in the range show it without the name of the column."""
_FIRST, _END = b"1", b"21"
"""Numbers of 10 digits, in seconds, from 2001 to 2036; and of 13 digits, in milliseconds."""
_is_name_of_times = re.compile(
    r"time|date|datum|zeit|fecha|stamp|epoch|created|updated|modified|expires|(?:\b|_)(?:ts|at)$",
    re.IGNORECASE,
).search
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class UnixTimes:
    """Sees the different cells of a column."""

    digits: int = 0
    """Of all cells so far; 0 before the first one, and -1 if a cell is no such time."""
    count: int = 0
    first: bytes = b""

    def add(self, cell: bytes) -> None:
        """Add a cell that is not empty."""
        if self.digits < 0:
            return
        digits = len(cell)
        if (
            digits not in COMMON_EPOCHS
            or self.digits not in (0, digits)
            or not (_FIRST <= cell < _END and cell.isdigit())
        ):
            self.digits = -1
        else:
            self.digits = digits
            self.count += 1
            self.first = self.first or cell

    def note(self, name: str) -> str | None:
        """Return what to declare if the cells of the column with this name are times, or None."""
        if self.digits <= 0 or (self.count < _FEW and not _is_name_of_times(name)):
            return None
        declared = COMMON_EPOCHS[self.digits]
        number = int(self.first)
        seconds, unit = (
            (number, "seconds") if declared == "epoch" else (number // 1000, "milliseconds")
        )
        day = (_EPOCH + timedelta(seconds=seconds)).date()
        return (
            f"{self.first.decode()!r} is read as a number; if it is a time, in {unit} since 1970 "
            f"({day}), set input.date to {declared!r}"
        )
