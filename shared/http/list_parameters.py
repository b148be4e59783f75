"""Parameters that the queries of all lists have: points in time and the size of a page."""

from __future__ import annotations

import re
from datetime import datetime

from shared.errors import InvalidInput

_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def parse_time(field: str, text: str | None) -> float | None:
    """Return the Unix seconds of a date-time (RFC 3339, 5.6); None without one.

    Raises InvalidInput, which names `field`.
    """
    if text is None:
        return None
    try:
        if _DATE_TIME.fullmatch(text):
            return datetime.fromisoformat(text.upper()).timestamp()
    except ValueError:
        pass  # such as month 13
    raise InvalidInput(
        f"{field} is {text!r}; send a date-time of RFC 3339, such as 2026-01-02T03:04:05Z "
        "(escape + as %2B)",
        field=field,
    )


def parse_limit(text: str | None, *, default: int, most: int) -> int:
    """Return the number of items on a page, from 1 to `most`. Raises InvalidInput."""
    if text is None:
        return default
    # Parsing thousands of digits would be slow.
    if re.fullmatch(r"[0-9]{1,9}", text) and 1 <= int(text) <= most:
        return int(text)
    raise InvalidInput(f"limit is {text!r}; send 1 to {most}", field="limit")
