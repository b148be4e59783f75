"""Hints about a name that no column has: the nearest one, and how it differs."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.aggregation.spec import Column

_EXAMINED = 1000
"""Columns that are compared."""
_COMPARED = 500_000
"""Pairs of characters that are compared: the time of a comparison grows with their number."""
_LONGEST = 200
"""The most characters of names that may look the same."""
_SHOWN = 10
_DELIMITERS = re.compile("[,;\t|]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
"""Characters without width: a soft hyphen, zero-width spaces and joiners, marks of direction and of
byte order."""


def nearest(name: Column, names: Sequence[str]) -> str:
    """Return the most similar of the names for a message, or the first of them."""
    return _suggestion(_most_similar(str(name), names), names)


def nearest_column(name: Column, header: Sequence[str]) -> str:
    """Return `nearest` for the columns of a file, with what may be wrong if it looks the same.

    If the names contain another delimiter, that of the file is perhaps wrong.
    """
    asked = str(name)
    found = _alike(asked, header)
    if found is not None:
        return f"did you mean {cut(found)}? It differs by {_difference(asked, found)}"
    suggestion = _suggestion(_most_similar(asked, header), header)
    delimiter = _delimiter_within(asked, header)
    if delimiter is None:
        return suggestion
    return (
        f"{suggestion}; the delimiter of the file may be {delimiter!r}, which is in the names: set "
        "input.delimiter"
    )


def cut(value: object) -> str:
    """Return a value for a message: quoted, escaped, cut to about 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "..."


def _suggestion(close: str | None, names: Sequence[str]) -> str:
    if close is not None:
        return f"did you mean {cut(close)}?"
    listed = ", ".join(cut(other) for other in names[:_SHOWN])
    return f"the columns are {listed}" + (", ..." if len(names) > _SHOWN else "")


def _most_similar(name: str, names: Sequence[str]) -> str | None:
    # Imported here, as the import is slow and rarely needed.
    from difflib import get_close_matches

    asked = name.casefold().strip()
    folded: dict[str, str] = {}
    left = _COMPARED
    for other in names[:_EXAMINED]:
        pairs = len(asked) * len(other)
        if pairs <= left:
            left -= pairs
            folded.setdefault(other.casefold().strip(), other)
    close = get_close_matches(asked, folded, 1, 0.5)
    return folded[close[0]] if close else None


def _visible(name: str) -> str:
    """Return what is seen of a name: equal for names that look the same."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", name))
    return " ".join(text.split())


def _alike(name: str, names: Sequence[str]) -> str | None:
    """Return the first name that looks the same, but has other characters than blanks of ASCII."""
    if len(name) > _LONGEST:
        return None
    seen = _visible(name)
    for other in names[:_EXAMINED]:
        if len(other) > _LONGEST:
            continue
        differ = not (name.isascii() and other.isascii())
        if differ and _visible(other) == seen:
            return other
    return None


def _difference(asked: str, found: str) -> str:
    """Return the code points in which a name differs from the one that is asked for."""
    from difflib import SequenceMatcher

    changes = []
    for kind, a, b, c, d in SequenceMatcher(None, asked, found, autojunk=False).get_opcodes():
        if kind == "insert":
            changes.append(_code_points(found[c:d]))
        elif kind == "delete":
            changes.append(f"no {_code_points(asked[a:b])}")
        elif kind == "replace":
            changes.append(f"{_code_points(found[c:d])} in place of {_code_points(asked[a:b])}")
    return ", ".join(changes)


def _code_points(text: str) -> str:
    return " ".join(f"U+{ord(character):04X}" for character in text)


def _delimiter_within(asked: str, header: Sequence[str]) -> str | None:
    """Return the delimiter that divides one of the names, so that the one asked for is a part."""
    wanted = asked.casefold().strip()
    for name in header[:_EXAMINED]:
        for delimiter in dict.fromkeys(_DELIMITERS.findall(name)):
            if wanted in (part.casefold().strip() for part in name.split(delimiter)):
                return str(delimiter)
    # Each line may be one column.
    if len(header) == 1 and (found := _DELIMITERS.search(header[0])):
        return found[0]
    return None
