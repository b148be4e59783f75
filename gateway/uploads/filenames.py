"""Names of uploaded files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.aggregation.formats import FORMATS
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from shared.aggregation.formats import FormatName

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CSV = re.compile(r"(.*)\.(?:csv|tsv|tab)(\.(?:gz|zst|bz2|zip))?", re.IGNORECASE | re.DOTALL)


def is_csv(name: str) -> bool:
    """Whether this is the name of a CSV file, compressed or not."""
    return _CSV.fullmatch(name) is not None


def stem(name: str) -> str:
    """Return the name of a CSV file without its suffixes."""
    match = _CSV.fullmatch(name)
    return match[1] if match else name


def base_name(name: str, *, field: str) -> str:
    """Return the last segment of the name of a CSV file, which the client sent in `field`.

    Clients send names with folders, separated by slashes or backslashes. Raises InvalidInput
    unless the name ends in `.csv`, `.tsv` or `.tab`, with or without a suffix of a compression.
    """
    base = re.split(r"[/\\]", name)[-1].strip()
    if not is_csv(base):
        raise InvalidInput("File must be a csv file", field=field)
    if _CONTROL.search(base):
        raise InvalidInput(
            f"the filename {base!r} has control characters; rename the file", field=field
        )
    return base


def result_filename(filename: str, output: FormatName) -> str:
    """Return the name of the result of a file. A CSV result of a `.csv` file has the same name."""
    if output == "csv" and filename.lower().endswith(".csv"):
        return filename
    return stem(filename) + FORMATS[output].extension
