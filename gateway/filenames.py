"""Names of uploaded files, as clients give them."""

from __future__ import annotations

import re

from shared.errors import InvalidInput

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_csv(name: str) -> bool:
    """Whether this is the name of a CSV file."""
    return name.lower().endswith(".csv")


def base_name(name: str, *, field: str) -> str:
    """The last segment of the name of a CSV file; `field` is where the client gave it.

    Clients send names with folders in them, of either kind of system. Raises InvalidInput for
    what is not `.csv`.
    """
    base = re.split(r"[/\\]", name)[-1].strip()
    if not is_csv(base):
        raise InvalidInput("File must be a csv file", field=field)
    if _CONTROL.search(base):
        raise InvalidInput(
            f"the filename {base!r} has control characters; rename the file", field=field
        )
    return base
