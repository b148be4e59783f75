"""Whether a file's first record is a header, by what stands below it.

A wrong guess would change totals and show nowhere. So it is concluded that there is none only if
the first record can hardly be a header, and where it may be either, that has to be said.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from shared.aggregation.cells import Notation, truncated
from shared.csv.problems import show
from shared.csv.records import BOM, RecordReader
from shared.errors import MalformedInput
from shared.inspection.sample import CutOff

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from shared.csv.dialect import Dialect
    from shared.inspection.sample import Sample

    _Kind = Literal["number", "date", "figures", "text"]

_RECORDS = 1000
_CELLS = 50_000
"""How many are looked at, of the records below the first."""
_COLUMNS = 1000
_NEARLY_ALL = 0.9
_NO_VALUE = frozenset(
    (b"na", b"n/a", b"#n/a", b"<na>", b"nan", b"null", b"<null>", b"nil", b"none", b"(null)")
)
"""What stands, in lower case, where a value is missing. It names no column."""
_INDEX, _YEARS = range(101), range(1800, 2201)
"""Numbers that head columns: `1,2,3` or `2019,2020`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether there is a header, and why."""

    header: bool | None
    """None if it cannot be told, and has to be said."""
    reason: str


def verdict(sample: Sample, dialect: Dialect) -> Verdict:
    """Whether the first record is a header in a file that begins with `sample`.

    `dialect` says how that is written, whatever it says of a header.
    """
    line, first, rows = _records(sample, replace(dialect, header=True))
    kinds = _Kinds(dialect)
    heads = [kinds.of(cell) for cell in first]
    if not rows:
        lone = next((i for i, kind in enumerate(heads) if kind not in (None, "text")), None)
        if lone is not None:
            return _to_be_said(line, lone, first)
        return Verdict(True, "there is no record below the first")
    bodies = [kinds.of_column([row[i] for row in rows]) for i in range(len(first))]
    columns = list(enumerate(zip(heads, bodies, strict=True)))
    names = [i for i, (head, body) in columns if _is_name(head, body)]
    alike = [i for i, (head, body) in columns if _is_alike(head, body)]
    values = [i for i, pair in columns if pair == ("date", "date")]
    values += _no_names(kinds, first, [i for i, pair in columns if pair == ("number", "number")])
    if names and len(values) < len(names):
        shown = "dates" if bodies[names[0]] == "date" else "numbers"
        return Verdict(True, f"column {names[0] + 1} is {show(first[names[0]])}, over {shown}")
    # A record that is the first once more may be the header once more, of files put together.
    others = [row for row in rows if row != first]
    again = [i for i, head in enumerate(heads) if head == "text" and _recurs(first[i], i, others)]
    certain = values or (again if alike else [])
    if certain and not names:
        i = min(certain)
        return Verdict(False, f"line {line} is a record: column {i + 1} is {show(first[i])}")
    if doubtful := values or alike or again:
        return _to_be_said(line, min(doubtful), first)
    return Verdict(True, "nothing speaks against it")


def _to_be_said(line: int, column: int, first: Sequence[bytes]) -> Verdict:
    return Verdict(
        None,
        f"line {line} reads as a record (column {column + 1} is {show(first[column])}): "
        "set input.header to true or false",
    )


def _records(sample: Sample, dialect: Dialect) -> tuple[int, list[bytes], list[list[bytes]]]:
    """The line of the first record and its fields, and the records below it of as many."""
    line, first = 1, None
    rows: list[list[bytes]] = []
    try:
        for at, fields in RecordReader(sample.blocks(), dialect, lambda _problem: None):
            if first is None:
                line, first = at, fields
                most = min(_RECORDS, 1 + _CELLS // min(len(first), _COLUMNS))
            elif len(fields) == len(first):
                rows.append(fields[:_COLUMNS])
                if len(rows) == most:
                    break
    except CutOff:
        if first is None:
            first = sample.text.removeprefix(BOM).split(dialect.delimiter.encode(), _COLUMNS)
    except MalformedInput:
        # The job will say so.
        return 1, [], []
    return line, (first or [])[:_COLUMNS], rows


def _recurs(cell: bytes, column: int, rows: Sequence[Sequence[bytes]]) -> bool:
    return any(row[column] == cell for row in rows)


def _is_name(head: _Kind | None, body: _Kind | None) -> bool:
    """Whether that is the name of a column: text, or a date over numbers."""
    return body in ("number", "date", "figures") and (
        head == "text" or (head, body) == ("date", "number")
    )


def _is_alike(head: _Kind | None, body: _Kind | None) -> bool:
    """Whether the first cell may be one of those below it."""
    if body == "figures":
        return head in ("number", "date", "figures")
    return head is not None and head == body != "text"


def _no_names(kinds: _Kinds, first: Sequence[bytes], columns: Sequence[int]) -> list[int]:
    """Those of the columns, which hold numbers, whose first cell is hardly a name."""
    found = [(i, kinds.number(first[i])) for i in columns]
    numbers = [number for _, number in found if number is not None]
    if _goes_on(numbers):
        return []
    return [
        i
        for i, number in found
        if number is not None
        and (
            (number not in _INDEX and number not in _YEARS)
            # Columns have different names.
            or (numbers.count(number) > 1 and number not in _YEARS)
        )
    ]


def _goes_on(numbers: Sequence[Decimal]) -> bool:
    """Whether it is a sequence, as that of the hours or wavelengths that columns are for."""
    if len(numbers) < 3:
        return len(numbers) == 2 and abs(numbers[0] - numbers[1]) == 1
    return all(a < b for a, b in pairwise(numbers)) or all(a > b for a, b in pairwise(numbers))


class _Kinds:
    """What cells are."""

    def __init__(self, dialect: Dialect) -> None:
        self.number = Notation(dialect.decimal, dialect.thousands).readers["number"]

    def of(self, cell: bytes) -> _Kind | None:
        """What a cell is; None if that says nothing. `figures` are digits of another notation."""
        if not cell or cell.lower() in _NO_VALUE:
            return None
        if self.number(cell) is not None:
            return "number"
        if truncated(cell, "day") is not None:
            return "date"
        text = cell.decode(errors="replace")
        if any(map(str.isalpha, text)):
            return "text"
        return "figures" if any(map(str.isdigit, text)) else None

    def of_column(self, cells: Sequence[bytes]) -> _Kind | None:
        """What nearly all cells are; None if none says anything."""
        found = Counter(map(self.of, cells))
        del found[None]
        total = found.total()
        if not total:
            return None
        if found["date"] == total:
            return "date"
        if found["number"] >= _NEARLY_ALL * total:
            return "number"
        figures = total - found["text"]
        return "figures" if figures >= _NEARLY_ALL * total else "text"
