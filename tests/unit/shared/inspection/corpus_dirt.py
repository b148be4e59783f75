"""What makes generated files hard to read: lines that are no records, and cells that mislead."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Literal

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DIRT = (
    "none",
    "title",
    "title with a comma",
    "trailing",
    "trailing below",
    "ragged",
    "empty lines",
)
"""Dirt that leaves the records as they are, or makes the file unreadable."""
CELLS = ("quote in text", "grouped integers", "blank group", "similar groups")
"""Cells that mean something else than they say."""
EXTRA_LINES = (
    "header again",
    "header in the middle",
    "units row",
    "total",
    "total of another name",
    "subtotal",
    "empty cells",
    "note below",
    "note in cells",
    "comment",
    "second table",
    "second table without an empty line",
)
"""Lines that are no records of the table, though they can be read as such."""
EVERY = (*DIRT, *CELLS, *EXTRA_LINES)
OF_GROUPS = ("blank group", "similar groups", "subtotal")
"""Dirt that shows only in groups."""
OF_NUMBERS = (*OF_GROUPS, "grouped integers", "total", "total of another name")
"""Dirt that is nothing without labels and numbers."""
OF_HEADERS = (
    "header again",
    "header in the middle",
    "units row",
    "second table without an empty line",
)
"""Dirt that is nothing without a header."""
ANYWHERE = ("header in the middle", "empty cells", "comment")
"""Extra lines that may be in the middle of the table."""

TEXT_NAMES = [
    "Name, Vorname",
    "Preis, netto",
    "City; State",
    "Name",
    "Preis",
    "Stadt",
    "n",
    "A/B",
    "x|y",
]


@dataclass
class Numbers:
    """A column of numbers."""

    values: list[Decimal]
    decimal: Literal[".", ","] = "."
    thousands: str = ""
    """What stands between groups of digits; the client does not say it."""
    places: int = 0
    """Digits after the decimal separator."""

    def written(self, value: Decimal) -> str:
        """Return a number as it is in the file."""
        text = f"{value:,.{self.places}f}"
        return text.translate({ord(","): self.thousands, ord("."): self.decimal})

    @property
    def cells(self) -> list[str]:
        """The cells of the column."""
        return list(map(self.written, self.values))


@st.composite
def numbers(draw: st.DrawFn, dirt: str, size: int) -> Numbers:
    """Draw a column of numbers."""

    def several(low: int, high: int) -> list[Decimal]:
        drawn = draw(st.lists(st.integers(low, high), min_size=size, max_size=size))
        return list(map(Decimal, drawn))

    if dirt == "grouped integers":
        thousands = draw(st.sampled_from([".", ".", ","]))
        return Numbers(several(0, 999_999), thousands=thousands)
    # A sum of one digit may be chance.
    lowest = 11 if dirt == "total of another name" else -999
    if draw(st.booleans()):
        return Numbers(several(lowest, 9999))
    decimals: list[Literal[".", ","]] = [".", ","]
    cents = several(lowest, 99999)
    return Numbers([cent / 100 for cent in cents], draw(st.sampled_from(decimals)), places=2)


@st.composite
def labels(draw: st.DrawFn, dirt: str, size: int, *, accents: bool) -> list[tuple[str, str]]:
    """Draw a column of labels, each as it is written and as it is meant."""
    meant = draw(
        st.lists(st.sampled_from(["Doe", "Roe", "Poe", "a b"]), min_size=size, max_size=size)
    )
    if dirt == "similar groups":
        forms: list[Callable[[str], str]] = [str, str.upper, "{} ".format]
        if accents:
            meant = [f"{text}é" for text in meant]
            forms = [str, partial(unicodedata.normalize, "NFD"), "\N{NO-BREAK SPACE}{}".format]
        written = [draw(st.sampled_from(forms))(text) for text in meant]
        first = dict(zip(reversed(meant), reversed(written), strict=True))
        return [(cell, first[text]) for cell, text in zip(written, meant, strict=True)]
    if dirt != "blank group":
        return [(text, text) for text in meant]
    # A blank cell means the label above it, as in merged cells.
    found = [(meant[0], meant[0])]
    for text in meant[1:]:
        blank = draw(st.booleans())
        found.append((draw(st.sampled_from(["", " "])), found[-1][1]) if blank else (text, text))
    return found


def extra(
    draw: st.DrawFn,
    dirt: str,
    table: Sequence[Sequence[str]],
    column: int | None,
    found: Numbers | None,
) -> tuple[int, list[list[str]]]:
    """Draw lines that are no records: the place of the first one in the table, and their cells.

    `table` has the names of the columns first, if there are any. `column` is that of the numbers,
    from 0. A line without cells is empty.
    """
    width, end = len(table[0]), len(table)
    at = draw(st.integers(1, end)) if dirt in ANYWHERE else end
    if dirt in ("header again", "header in the middle"):
        return at, [list(table[0])]
    if dirt == "units row":
        units = [draw(st.sampled_from(["", "kg", "EUR", "%"])) for _ in range(width)]
        units[-1 if column is None else column] = "m"
        return 1, [units]
    if dirt in ("total", "total of another name", "subtotal"):
        assert found is not None
        assert column is not None
        values = found.values
        if dirt == "subtotal":
            above = draw(st.integers(1, len(values) - 1))
            at, values = end - len(values) + above, values[:above]
        name = {
            "total": st.sampled_from(["Total", "SUMME", "Grand total:", " Gesamt "]),
            "total of another name": st.just("In this year"),
            "subtotal": st.sampled_from(["Subtotal", "Zwischensumme", "sub-total:"]),
        }[dirt]
        row = [draw(name), *[""] * (width - 1)]
        row[column] = found.written(sum(values, Decimal()))
        return at, [row]
    if dirt.startswith("second table"):
        below = [list(row) for row in draw(st.permutations(table[-2:]))]
        if dirt != "second table":
            return at, [_other_names(draw, width), *below]
        return at, [[], *([_other_names(draw, width)] if draw(st.booleans()) else []), *below]
    if dirt == "empty cells":
        return at, [[""] * width]
    if dirt == "note in cells":
        return at, [["Source: the statistical office", *[""] * (width - 1)]]
    return at, [["# exported on Monday" if dirt == "comment" else "Source: the statistical office"]]


def _other_names(draw: st.DrawFn, width: int) -> list[str]:
    return draw(st.lists(st.sampled_from(TEXT_NAMES), min_size=width, max_size=width, unique=True))
