"""Well-formed CSV files for property tests, in every style that RFC 4180 allows."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

BOM = b"\xef\xbb\xbf"

# Text that parsers often misread: quotes, separators, spaces, comment signs, NULLs, rows in text.
_AWKWARD = st.sampled_from(
    [
        *("", " ", '"', '""', ",", "\n", "\r\n", "\r", "#", "\\", "NULL", "NA", "0x10", "2020-1-1"),
        *("\x00", "\ufeff", "\t", "'", ";", "é", "日本", "😀", "\u2028", "\x85"),
        *("a,b,1\n", '"\n"x","y",2'),
    ]
)
texts = st.one_of(
    st.sampled_from(["a", "b", "song one", "2020-01-01"]),
    st.lists(_AWKWARD | st.text(st.characters(codec="utf-8"), max_size=4), max_size=4).map("".join),
)
"""Text of a field: one of a few values, so that groups have several rows, or awkward text."""

small_numbers = st.one_of(
    st.integers(-(2**62), 2**62).map(str),
    st.sampled_from(["0", "-0", "007", "+5", "-003", "9223372036854775807"]),
)
"""64-bit integers as text."""
numbers = st.one_of(
    small_numbers,
    st.integers(-(10**60), 10**60).map(str),
    st.integers(0, 9).map(lambda n: "9" * 5000),
)
"""Integers of any size as text."""


@dataclass(frozen=True)
class Style:
    """The dialect and layout of a file."""

    ending: str
    final_endings: int
    bom: bool
    quote_all: bool


styles = st.builds(
    Style,
    ending=st.sampled_from(["\n", "\r\n"]),
    final_endings=st.integers(0, 2),
    bom=st.booleans(),
    quote_all=st.booleans(),
)


def encode(rows: list[list[str]], style: Style) -> bytes:
    """Return a file with these rows, including the header."""
    lines = style.ending.join(",".join(_field(text, style) for text in row) for row in rows)
    return (BOM if style.bom else b"") + (lines + style.ending * style.final_endings).encode()


def _field(text: str, style: Style) -> str:
    if style.quote_all or text.startswith('"') or any(c in text for c in ",\r\n"):
        return '"' + text.replace('"', '""') + '"'
    return text


def files(
    values: st.SearchStrategy[str], *, columns: int = 3, sum_of: int = 2, max_rows: int = 40
) -> st.SearchStrategy[bytes]:
    """Draw files of `columns` columns, where column `sum_of` contains `values`."""
    row = st.tuples(*(values if column == sum_of else texts for column in range(columns)))
    # A file that starts with U+FEFF has a BOM.
    names = texts.filter(lambda text: text and not text.startswith("\ufeff"))
    header = st.lists(names, min_size=columns, max_size=columns)
    table = st.tuples(header, st.lists(row.map(list), max_size=max_rows))
    return st.builds(lambda t, style: encode([t[0], *t[1]], style), table, styles)
