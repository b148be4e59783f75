"""Decide whether the first record of a file is a header, by comparing it with the records below.

A wrong decision would silently change results. So the answer is "no header" only if the first
record is very unlikely to be one; if it may be either, the client must set `input.header`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from shared.aggregation.missing import MISSING
from shared.aggregation.spec import notation_of
from shared.csv.problems import show
from shared.csv.records import BOM, RecordReader
from shared.errors import MalformedInput
from shared.inspection.sample import SampleEnded, up_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.csv.dialect import Dialect
    from shared.inspection.sample import Sample

    _Kind = Literal["number", "date", "figures", "text"]

_RECORDS = 1000
_CELLS = 50_000
"""Cells that are read, of the records below the first."""
_COLUMNS = 1000
_PROBLEMS = 5000
"""Bad records among these records, from which on no more are read."""
_NEARLY_ALL = 0.9
_COMMA = re.compile(rb"[-+]?[0-9]{1,15},[0-9]{1,15}")
"""A number with a comma, for decimals or for thousands."""
_INDEX, _YEARS = range(101), range(1800, 2201)
"""Numbers that are used as names of columns: `1,2,3` or `2019,2020`."""


@dataclass(frozen=True, slots=True)
class HeaderDecision:
    """Whether there is a header, and the reason."""

    header: bool | None
    """None if it is undecided, and the client must set `input.header`."""
    reason: str
    assumed: bool = False
    """Whether there is a header only because nothing speaks against it."""


def decide_header(sample: Sample, dialect: Dialect) -> HeaderDecision:
    """Decide whether the file that begins with `sample` has a header.

    `dialect` is its dialect; `dialect.header` is ignored.
    """
    line, first, rows = _records(sample, replace(dialect, header=True))
    kinds = _CellKinds(dialect)
    heads = [kinds.of(cell) for cell in first]
    if not rows:
        value_column = next((i for i, kind in enumerate(heads) if kind not in (None, "text")), None)
        if value_column is not None:
            return _undecided(line, value_column, first)
        return HeaderDecision(True, "there is no record below the first", assumed=True)
    bodies = [kinds.of_column([row[i] for row in rows]) for i in range(len(first))]
    columns = list(enumerate(zip(heads, bodies, strict=True)))
    names = [i for i, (head, body) in columns if _is_name(head, body)]
    same_kind = [i for i, (head, body) in columns if _is_same_kind(head, body)]
    proofs = [i for i, pair in columns if pair == ("date", "date")]
    signs = _not_names(kinds, first, [i for i, pair in columns if pair == ("number", "number")])
    proofs += [i for i in signs if _is_measured(kinds.number(first[i]))]
    # Numbers in another notation, such as `0,00`, that are below too or have decimals.
    in_figures = [i for i, pair in columns if pair == ("figures", "figures")]
    figures = [i for i in in_figures if _recurs(first[i], i, rows)]
    # Files that were joined repeat the header; such records are no evidence.
    others = [row for row in rows if row != first]
    recurring = [
        i for i, head in enumerate(heads) if head == "text" and _recurs(first[i], i, others)
    ]
    # Text above figures such as `1,2` may be a list above lists: then a cell that is below too is
    # evidence against a header, and without one it is only assumed.
    weak = all(bodies[i] == "figures" and _are_lists([row[i] for row in rows]) for i in names)
    repeated = [i for i in same_kind if _recurs(first[i], i, others)] + recurring
    repeated = repeated if weak and names else []
    values = sorted({*proofs, *signs, *figures, *repeated, *_with_comma(first, in_figures)})
    if names and len(values) < len(names):
        shown = "dates" if bodies[names[0]] == "date" else "numbers"
        return HeaderDecision(
            True, f"column {names[0] + 1} is {show(first[names[0]])}, above {shown}", assumed=weak
        )
    # Sizes and codes are names of columns too, if there is a name beside them: `Size,500,250`. A
    # number above texts may be one: `2019,500` over `a,3`.
    named = [
        i
        for i, (head, body) in columns
        if body == "text"
        and (head == "text" or (head == "number" and not _is_measured(kinds.number(first[i]))))
        and not _recurs(first[i], i, others)
    ]
    certain = (proofs if named else values) or (recurring if same_kind else [])
    if certain and not names:
        i = min(certain)
        return HeaderDecision(False, f"line {line} is a record: column {i + 1} is {show(first[i])}")
    odd = [
        i
        for i in range(len(first))
        if _is_odd(kinds, first[i], bodies[i], [row[i] for row in rows])
    ]
    if doubtful := values or same_kind or recurring or odd:
        return _undecided(line, min(doubtful), first)
    return HeaderDecision(True, "no evidence against a header", assumed=True)


def _undecided(line: int, column: int, first: Sequence[bytes]) -> HeaderDecision:
    return HeaderDecision(
        None,
        f"line {line} looks like a record (column {column + 1} is {show(first[column])}): "
        "set input.header to true or false",
    )


def _records(sample: Sample, dialect: Dialect) -> tuple[int, list[bytes], list[list[bytes]]]:
    """Return the line and fields of the first record, and the records below of the same width."""
    line, first = 1, None
    rows: list[list[bytes]] = []
    try:
        reader = RecordReader(sample.blocks(), dialect, up_to(_PROBLEMS))
        for at, fields in reader:
            if first is None:
                line, first = at, fields
                most = min(_RECORDS, 1 + _CELLS // min(len(first), _COLUMNS))
            elif (fitted := reader.fitted(fields, len(first))) is not None:
                rows.append(fitted[:_COLUMNS])
                if len(rows) == most:
                    break
    except SampleEnded:
        if first is None:
            first = sample.text.removeprefix(BOM).split(dialect.delimiter.encode(), _COLUMNS)
    except MalformedInput:
        # The job reports the error.
        return 1, [], []
    return line, (first or [])[:_COLUMNS], rows


def _recurs(cell: bytes, column: int, rows: Sequence[Sequence[bytes]]) -> bool:
    return any(row[column] == cell for row in rows)


def _is_name(head: _Kind | None, body: _Kind | None) -> bool:
    """Whether the first cell is a name: text, or a date above numbers."""
    return body in ("number", "date", "figures") and (
        head == "text" or (head, body) == ("date", "number")
    )


def _is_same_kind(head: _Kind | None, body: _Kind | None) -> bool:
    """Whether the first cell is of the same kind as the cells below it."""
    if body == "figures":
        return head in ("number", "date", "figures")
    return head is not None and head == body != "text"


def _is_odd(kinds: _CellKinds, head: bytes, body: _Kind | None, below: Sequence[bytes]) -> bool:
    """Whether the first cell is a value above texts, as there are a few texts among values.

    A total below the table has such texts, or a second table.
    """
    kind = kinds.of(head)
    if body != "text" or kind in (None, "text"):
        return False
    if kind == "figures" or _is_measured(kinds.number(head)):
        return True
    return any(kinds.of(cell) == kind for cell in below)


def _not_names(kinds: _CellKinds, first: Sequence[bytes], columns: Sequence[int]) -> list[int]:
    """Return the columns of numbers whose first cell is very unlikely to be a name."""
    found = [(i, kinds.number(first[i])) for i in columns]
    numbers = [number for _, number in found if number is not None]
    if _is_sequence(numbers):
        return []
    return [
        i
        for i, number in found
        if number is not None
        and (
            (number not in _INDEX and number not in _YEARS)
            or _is_measured(number)
            # The names of columns differ.
            or (numbers.count(number) > 1 and number not in _YEARS)
        )
    ]


def _is_measured(number: Decimal | None) -> bool:
    """Whether a number is negative or written with decimals, if only zeros: hardly a name."""
    if number is None:
        return False
    exponent = number.as_tuple().exponent
    # The remainder of a division by 1 fails for numbers of more digits than the context has.
    return (
        number < 0
        or number != number.to_integral_value()
        or (isinstance(exponent, int) and exponent < 0)
    )


def _with_comma(first: Sequence[bytes], columns: Sequence[int]) -> list[int]:
    """Return the columns whose first cell is a number with a comma, unless these are in order."""
    found = [i for i in columns if _COMMA.fullmatch(first[i])]
    if _is_sequence([Decimal(first[i].replace(b",", b".").decode()) for i in found]):
        return []
    return found


def _are_lists(cells: Sequence[bytes]) -> bool:
    """Whether numbers may be lists: all that contain more than digits contain commas."""
    return all(b"," in cell for cell in cells if cell and not cell.isdigit())


def _is_sequence(numbers: Sequence[Decimal]) -> bool:
    """Whether the numbers ascend or descend, as hours or wavelengths in a header do."""
    if len(numbers) < 3:
        return len(numbers) == 2 and abs(numbers[0] - numbers[1]) == 1
    return all(a < b for a, b in pairwise(numbers)) or all(a > b for a, b in pairwise(numbers))


class _CellKinds:
    """Tells the kinds of cells."""

    def __init__(self, dialect: Dialect) -> None:
        notation = notation_of(dialect)
        self.number = notation.readers["number"]
        self._dates = notation.dates
        self._missing = MISSING | {text.lower().encode() for text in dialect.null}

    def of(self, cell: bytes) -> _Kind | None:
        """Return the kind of a cell: `figures` for digits in another notation, else None."""
        if not cell or cell.lower() in self._missing:
            return None
        if self.number(cell) is not None:
            return "number"
        if self._dates.read(cell) is not None:
            return "date"
        text = cell.decode(errors="replace")
        if any(map(str.isalpha, text)):
            return "text"
        return "figures" if any(map(str.isdigit, text)) else None

    def of_column(self, cells: Sequence[bytes]) -> _Kind | None:
        """Return the kind of nearly all cells, None if none is evidence."""
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
