"""Dates that are not ISO 8601, as people often write them: for suggestions in messages."""

from __future__ import annotations

from itertools import product

_DAYS = (
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d",
    "%Y%m%d", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S")
COMMON_PATTERNS = tuple(day + time for day, time in product(_DAYS, _TIMES))
"""Patterns of `input.date`, in the order of suggestions."""
COMMON_EPOCHS = {10: "epoch", 13: "epoch_ms"}
"""The digits of a number that may be a time of these years, and its `input.date`."""
LONGEST_DATE = 50
"""Longer cells are no dates, in bytes."""
