"""The cells of a row: tests of `where` and `having`, the keys of groups, and values."""

from __future__ import annotations

import operator
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from shared.aggregation.cells import CANONICAL
from shared.aggregation.kinds import NUMERIC
from shared.aggregation.resolve import Combination
from shared.aggregation.spec import Arithmetic
from tests.reference.functions import LONGEST_FACTOR, is_long

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.aggregation.cells import Notation
    from shared.aggregation.date_format import DateFormat
    from shared.aggregation.kinds import Kind
    from shared.aggregation.resolve import Comparison, Query, Restriction
    from shared.aggregation.spec import (
        Aggregate,
        ArithmeticOperator,
        DatePart,
        GroupColumn,
        Operator,
    )

EXPECTED_FACTOR = f"a number of up to {LONGEST_FACTOR} digits and {LONGEST_FACTOR} decimals"
BLANKS = " \t\r\n\v\f\u00a0"

_COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "contains": operator.contains,
    "starts_with": bytes.startswith,
}


_OPERATIONS: dict[ArithmeticOperator, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
}


class BadCell(Exception):
    """A cell that is not what the aggregation needs. `column` is counted from 0."""

    def __init__(self, column: int, expected: str) -> None:
        super().__init__(column, expected)
        self.column = column
        self.expected = expected


def holds(
    restriction: Restriction | None,
    cells: Sequence[bytes],
    notation: Notation = CANONICAL,
    read: Callable[[Comparison, bytes], None] = lambda _comparison, _cell: None,
) -> bool:
    """Return whether cells meet a restriction. Raises BadCell.

    `read` is called with each comparison that was evaluated, and its cell.
    """
    if restriction is None:
        return True
    if isinstance(restriction, Combination):
        parts = (holds(part, cells, notation, read) for part in restriction.parts)
        return all(parts) if restriction.operator == "and" else any(parts)
    cell, kind = cells[restriction.column], restriction.kind
    if restriction.operator == "is_empty":
        return (not cell) != restriction.negated
    if not cell and kind != "text":
        return False
    value = notation.readers[kind](cell)
    if value is None:
        expected = f"{notation.expected(kind)} for the comparison in where"
        raise BadCell(restriction.column, expected + notation.suggestion(kind, cell))
    read(restriction, cell)
    values = [notation.of_values.readers[kind](text.encode()) for text in restriction.values]
    if restriction.operator == "in":
        return (value in values) != restriction.negated
    return _COMPARE[restriction.operator](value, values[0]) != restriction.negated


def key_of(query: Query, cells: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the text of each group column. Raises BadCell."""
    notation = query.aggregation.notation
    return tuple(
        _group_text(group, column, cells[column], notation)
        for column, group in zip(query.group_by, query.aggregation.group_by, strict=True)
    )


def _group_text(group: GroupColumn, column: int, cell: bytes, notation: Notation) -> bytes:
    dates = notation.dates
    bad = BadCell(column, dates.expected(truncate=True) + notation.suggestion("date", cell))
    text = cell.decode()
    if group.trim:
        text = text.strip(BLANKS)
    if group.part is not None and text:
        text = _part_of(group.part, text, dates, bad)
    if group.substring is not None:
        first, count = group.substring
        text = text[first - 1 : first - 1 + count]
    if group.match is not None:
        text = _matched(group.match, text)
    if group.truncate is not None and text:
        moment = dates.read(text.encode())
        if moment is None:
            raise bad
        text = moment.truncated(group.truncate).decode()
    if group.normalize is not None:
        text = unicodedata.normalize("NFC", text)
    if group.case is not None:
        text = text.upper() if group.case == "upper" else text.lower()
    return text.encode()


def _matched(pattern: str, text: str) -> str:
    """Return the first group, or all that matches. The pattern has no `$` but the anchor."""
    # In RE2, $ is only the end of the text.
    found = re.search(pattern.replace("$", r"\Z"), text, re.ASCII)
    if found is None:
        return ""
    return (found[1] if found.re.groups else found[0]) or ""


def _part_of(part: DatePart, text: str, dates: DateFormat, bad: BadCell) -> str:
    moment = dates.read(text.encode())
    if moment is None:
        raise bad
    year, month, number = moment.day.isoformat().split("-")
    if part == "weekday":
        return str(moment.day.isoweekday())
    hour = f"{moment.second // 3600:02}"
    return {"year": year, "month": month, "day": number, "hour": hour}[part]


def values_of(query: Query, cells: Sequence[bytes], notation: Notation) -> list[Any]:
    """Return the value of each aggregate; None if there is none. Raises BadCell."""
    plain = query.aggregation.is_default and notation == CANONICAL
    values: list[Any] = []
    for i, aggregate in enumerate(query.aggregation.aggregates):
        if not holds(query.filters[i], cells, notation):
            values.append(None)
            continue
        read = [
            _value(aggregate, column, cells[column], notation, plain=plain)
            for column in (query.columns[i], query.operands[i])
            if column is not None
        ]
        if None in read:
            values.append(None)
        elif isinstance(aggregate.column, Arithmetic):
            values.append(_OPERATIONS[aggregate.column.operator](*read))
        else:
            values.append(read[0] if read else True)
    return values


def _value(
    aggregate: Aggregate, column: int, cell: bytes, notation: Notation, *, plain: bool
) -> Any:
    """Return a value. With `plain`, messages suggest no other notation."""
    kind: Kind = aggregate.kind or "text"
    if not cell and not aggregate.strict:
        return None
    value = notation.readers[kind](cell) if cell else None
    if value is None:
        expected = notation.expected(kind)
        if not plain:
            expected += notation.suggestion(kind, cell)
        if not cell and kind == "text":
            expected = "text (empty cells are errors here)"
        raise BadCell(column, expected)
    if _multiplies(aggregate) and is_long(value):
        raise BadCell(column, EXPECTED_FACTOR)
    if kind == "date":
        return value, notation.dates.iso(cell)
    # Without a positive exponent.
    return value + 0 if kind in NUMERIC else value


def _multiplies(aggregate: Aggregate) -> bool:
    column = aggregate.column
    product = isinstance(column, Arithmetic) and column.operator == "multiply"
    return product or aggregate.function in ("variance", "stddev")
