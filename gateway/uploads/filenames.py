"""Names of uploaded files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.aggregation.formats import FORMATS
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from shared.aggregation.formats import FormatName

# Surrogates are bytes of a header that are not UTF-8, or escapes of JSON; nothing encodes them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_CSV = re.compile(r"(.*)\.(?:csv|tsv|tab)(\.(?:gz|zst|bz2|zip))?", re.IGNORECASE | re.DOTALL)


def is_csv(name: str) -> bool:
    """Whether this is the name of a CSV file, compressed or not."""
    return _CSV.fullmatch(name) is not None


def stem(name: str) -> str:
    """Return the name of a CSV file without its suffixes."""
    match = _CSV.fullmatch(name)
    return match[1] if match else name


def base_name(name: str, *, field: str) -> str:
    """Return the last segment of the name of a file, which the client sent in `field`.

    Clients send names with folders, separated by slashes or backslashes. Raises InvalidInput for
    an empty name and for control characters.
    """
    base = _last_segment(name)
    if not base or base in (".", ".."):
        raise InvalidInput(f"the filename is {name!r}; send the name of the file", field=field)
    return _checked(base, field)


def csv_base_name(name: str, *, field: str) -> str:
    """Return `base_name`. Also raises InvalidInput unless the name ends in `.csv`, `.tsv` or
    `.tab`, with or without a suffix of a compression, as the first clients expect.
    """
    base = _last_segment(name)
    if not is_csv(base):
        raise InvalidInput("File must be a csv file", field=field)
    return _checked(base, field)


def _last_segment(name: str) -> str:
    return re.split(r"[/\\]", name)[-1].strip()


def _checked(base: str, field: str) -> str:
    if _CONTROL.search(base):
        raise InvalidInput(
            f"the filename {base!r} has control characters, or is not UTF-8; rename the file",
            field=field,
        )
    return base


def result_filename(filename: str, output: FormatName) -> str:
    """Return the name of the result of a file. A CSV result of a `.csv` file has the same name."""
    if output == "csv" and filename.lower().endswith(".csv"):
        return filename
    return stem(filename) + FORMATS[output].extension
