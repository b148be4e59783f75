"""The rows of a result: their order, and their bytes."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from decimal import Decimal
from functools import total_ordering
from typing import TYPE_CHECKING, Any

from shared.aggregation.kinds import NUMERIC

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.aggregation.resolve import Query

Row = list[bytes]

_BEGINS_FORMULA = (b"=", b"+", b"-", b"@", b"\t", b"\r")
_NEEDS_QUOTES = re.compile(rb'[,"\r\n]').search


def ordered(query: Query, rows: list[Row]) -> list[Row]:
    """Return rows, which are sorted by the group columns, in the order and with the limit."""
    if query.order_by:
        rows = sorted(rows, key=_sort_key(query))
    return rows[: query.aggregation.limit]


def encoded(query: Query, rows: Sequence[Row]) -> bytes:
    """Return the result with these rows, not compressed; Parquet as CSV."""
    if query.aggregation.output == "jsonl":
        return b"".join(_json(query, row) for row in rows)
    names = [name.encode() for name in query.names]
    if query.aggregation.escape_formulas:
        texts = [kind not in NUMERIC for kind in query.kinds]
        names = [_escaped(name) for name in names]
        rows = [
            [_escaped(cell) if text else cell for cell, text in zip(row, texts, strict=True)]
            for row in rows
        ]
    header = csv_line(names)
    if header.startswith(BOM_UTF8):
        # Quoted, it is no byte order mark of the file.
        header = b'"' + names[0] + b'"' + header[len(names[0]) :]
    return header + b"".join(map(csv_line, rows))


def _escaped(cell: bytes) -> bytes:
    return b"'" + cell if cell.startswith(_BEGINS_FORMULA) else cell


def csv_line(fields: Sequence[bytes]) -> bytes:
    """Return a line of RFC 4180, which ends in LF."""
    quoted = (
        b'"' + field.replace(b'"', b'""') + b'"' if _NEEDS_QUOTES(field) else field
        for field in fields
    )
    return (b",".join(quoted) or b'""') + b"\n"


def _json(query: Query, row: Row) -> bytes:
    members: list[str] = []
    for i, (name, kind) in enumerate(zip(query.names, query.kinds, strict=True)):
        text = row[i].decode()
        value = text if kind in NUMERIC else json.dumps(text, ensure_ascii=False)
        if not text and i >= len(query.group_by):
            value = "null"
        members.append(json.dumps(name, ensure_ascii=False) + ":" + value)
    return ("{" + ",".join(members) + "}\n").encode()


def _sort_key(query: Query) -> Callable[[Row], tuple[Any, ...]]:
    kinds = query.kinds

    def key(row: Row) -> tuple[Any, ...]:
        values: list[Any] = []
        for order in query.order_by:
            cell = row[order.column]
            value = _number(cell) if kinds[order.column] in NUMERIC else cell
            values.append(_Descending(value) if order.descending else value)
        return (*values, *row[: len(query.group_by)])

    return key


def _number(cell: bytes) -> tuple[bool, Decimal]:
    """Return the sort key of a number. A missing value sorts before all numbers."""
    return (True, Decimal(cell.decode())) if cell else (False, Decimal(0))


@total_ordering
class _Descending:
    """A value that sorts in reverse."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self._value == other._value

    def __lt__(self, other: _Descending) -> bool:
        return bool(other._value < self._value)

    def __hash__(self) -> int:
        return hash(self._value)
