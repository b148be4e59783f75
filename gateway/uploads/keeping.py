"""How long a client wants an upload to be kept: `true`, `false`, or seconds."""

from __future__ import annotations

import json

from shared.errors import InvalidInput
from shared.http.request_body import whole_number
from shared.jobs.dataset import FOR_EVER

MOST_SECONDS = 100 * 366 * 24 * 3600
"""A hundred years."""


def seconds_to_keep(given: object) -> float | None:
    """Return the seconds for which an upload is kept, `FOR_EVER`, or None if it is not.

    `given` is a value of JSON. Raises InvalidInput.
    """
    if isinstance(given, bool):
        return FOR_EVER if given else None
    seconds = whole_number(given)
    if seconds is not None and 1 <= seconds <= MOST_SECONDS:
        return float(seconds)
    raise InvalidInput(
        f"keep is {json.dumps(given, default=str)[:100]}; send true, false, or seconds from 1 to "
        f"{MOST_SECONDS}",
        field="keep",
    )


def keep_in_query(text: str | None) -> float | None:
    """Return the same of a parameter of a URL; None without one. Raises InvalidInput."""
    if text is None:
        return None
    if text in ("true", "false"):
        return seconds_to_keep(text == "true")
    return seconds_to_keep(
        int(text) if text.isascii() and text.isdigit() and len(text) < 12 else text
    )
