"""Reads the first rows of a result from its first bytes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from gateway.results.result_rows import READERS
from shared.aggregation.formats import FORMATS
from shared.aggregation.kinds import NUMERIC
from shared.csv.compression import decompress
from shared.errors import MalformedInput
from shared.jobs.preview import LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gateway.results.result_rows import Row
    from shared.aggregation.functions import Function
    from shared.aggregation.kinds import Kind, Truncation
    from shared.aggregation.spec import Aggregation
    from shared.csv.dialect import Compression

SAFE_DIGITS = 15
"""Digits of a number that every JSON parser keeps: those of an IEEE 754 double (RFC 8259, 6)."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
"""A number as results contain it (RFC 8259, 6)."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result."""

    name: str
    kind: Kind
    function: Function | None = None
    """The function that computed it; None for a group column."""
    truncate: Truncation | None = None
    """The part of a date by which a group column groups."""

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.kind in NUMERIC

    @property
    def nullable(self) -> bool:
        """Whether an empty text is no value: everywhere but in texts of groups."""
        return self.function is not None or self.kind == "date"

    def as_json(self) -> dict[str, str | None]:
        """Return the JSON of a `PreviewColumnView`."""
        return {
            "name": self.name,
            "type": self.kind,
            "function": self.function,
            "truncate": self.truncate,
        }


@dataclass(frozen=True, slots=True)
class Preview:
    """The columns and some rows of a result. A cell without a value is None."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    truncated: bool
    """Whether the result has more rows."""

    def as_json(self, total_rows: int) -> str:
        """Return the JSON of a `PreviewView` of a result with `total_rows` rows.

        A number keeps its digits, and is a string if it has more than `SAFE_DIGITS`.
        """
        columns = [column.as_json() for column in self.columns]
        numeric = [column.numeric for column in self.columns]
        rows = ", ".join("[" + ", ".join(map(_cell, row, numeric)) + "]" for row in self.rows)
        return (
            f'{{"columns": {json.dumps(columns, ensure_ascii=False)}, "rows": [{rows}], '
            f'"truncated": {json.dumps(self.truncated)}, "total_rows": {total_rows}}}'
        )


def preview_of(
    aggregation: Aggregation, data: bytes, *, whole: bool, rows: int, total_rows: int | None = None
) -> Preview:
    """Return the first `rows` rows of a result that starts with `data`.

    There are fewer rows if `LIMIT` bytes contain fewer. `whole`: `data` is the whole result, or its
    stored preview; then `total_rows` is the number of rows of the result.
    """
    output = FORMATS[aggregation.output]
    text, ended = _expanded(data, output.compression, whole=whole)
    columns, found = read_result(aggregation, (text,), ended=ended)
    kept = tuple(with_nulls(row, columns) for row in islice(found, rows))
    more = not ended or next(found, None) is not None
    if total_rows is not None:
        more = len(kept) < total_rows
    return Preview(columns, kept, truncated=more)


def read_result(
    aggregation: Aggregation, blocks: Iterable[bytes], *, ended: bool
) -> tuple[tuple[Column, ...], Iterator[Row]]:
    """Return the columns and the rows of a result, which `blocks` contain without compression.

    Unless they contain it to its end (`ended`), the last record may be incomplete and is left out.
    The cells without a value are found by `with_nulls`. The rows raise MalformedInput if the result
    is damaged.
    """
    names, found = READERS[FORMATS[aggregation.output].preview](blocks, ended=ended)
    return _columns(aggregation, names or _names(aggregation)), found


def with_nulls(row: Row, columns: Sequence[Column]) -> Row:
    """Return a row of `read_result` in which a cell without a value is None."""
    return [
        cell if cell or not column.nullable else None
        for cell, column in zip(row, columns, strict=True)
    ]


def _columns(aggregation: Aggregation, names: list[str]) -> tuple[Column, ...]:
    groups = len(aggregation.group_by)
    columns = [
        Column(name, "date" if group.truncate == "day" else "text", truncate=group.truncate)
        for name, group in zip(names[:groups], aggregation.group_by, strict=True)
    ]
    columns += [
        Column(name, each.output_kind, each.function)
        for name, each in zip(names[groups:], aggregation.aggregates, strict=True)
    ]
    return tuple(columns)


def _expanded(data: bytes, compression: Compression, *, whole: bool) -> tuple[bytes, bool]:
    """Decompress `data` up to `LIMIT` bytes; return the text and whether it is the whole result."""
    if compression == "none":
        return data, whole
    held = bytearray()
    try:
        for block in decompress(iter((data,)), compression):
            held += block
            if len(held) > LIMIT:
                return bytes(held[:LIMIT]), False
    except MalformedInput:
        # The rest is beyond `data`.
        return bytes(held), False
    return bytes(held), whole


def _names(aggregation: Aggregation) -> list[str]:
    """Return the names of the output columns, as far as they are known without the header."""
    names = [
        group.name or (group.column if isinstance(group.column, str) else f"column{group.column}")
        for group in aggregation.group_by
    ]
    names += [
        aggregate.name
        or aggregate.default_name(
            lambda column: f"column{column}" if isinstance(column, int) else column
        )
        for aggregate in aggregation.aggregates
    ]
    return names


def _cell(value: str | None, numeric: bool) -> str:
    if value is None:
        return "null"
    if numeric and _NUMBER.fullmatch(value):
        digits = value.lstrip("-").replace(".", "").lstrip("0")
        if len(digits) <= SAFE_DIGITS:
            return value
    return json.dumps(value, ensure_ascii=False)
