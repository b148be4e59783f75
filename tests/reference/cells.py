"""The cells of a row: tests of `where` and `having`, the keys of groups, and values."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from shared.aggregation.cells import CANONICAL, EXPECTED_CALENDAR_DATE, truncated
from shared.aggregation.resolve import Combination
from shared.csv.problems import show

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.aggregation.cells import Notation
    from shared.aggregation.kinds import Kind
    from shared.aggregation.resolve import Query, Restriction
    from shared.aggregation.spec import Aggregate, GroupColumn, Operator

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


class BadCell(Exception):
    """A cell that is not what the aggregation needs. `column` is counted from 0."""

    def __init__(self, column: int, cell: bytes, expected: str) -> None:
        super().__init__(column, cell, expected)
        self.column = column
        self.found = show(cell)
        self.expected = expected


def holds(
    restriction: Restriction | None, cells: Sequence[bytes], notation: Notation = CANONICAL
) -> bool:
    """Return whether cells meet a restriction. Raises BadCell."""
    if restriction is None:
        return True
    if isinstance(restriction, Combination):
        parts = (holds(part, cells, notation) for part in restriction.parts)
        return all(parts) if restriction.operator == "and" else any(parts)
    cell, kind = cells[restriction.column], restriction.kind
    if restriction.operator == "is_empty":
        return not cell
    if not cell and kind != "text":
        return False
    value = notation.readers[kind](cell)
    if value is None:
        expected = notation.expected(kind) + " for the comparison in where"
        if hint := notation.hint(kind, cell):
            expected += f"; if it is one, set {hint}"
        raise BadCell(restriction.column, cell, expected)
    values = [CANONICAL.readers[kind](text.encode()) for text in restriction.values]
    if restriction.operator == "in":
        return value in values
    return _COMPARE[restriction.operator](value, values[0])


def key_of(query: Query, cells: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the text of each group column. Raises BadCell."""
    return tuple(
        _group_text(group, column, cells[column])
        for column, group in zip(query.group_by, query.aggregation.group_by, strict=True)
    )


def _group_text(group: GroupColumn, column: int, cell: bytes) -> bytes:
    text = cell.decode()
    if group.trim:
        text = text.strip(BLANKS)
    if group.truncate is not None and text:
        date = truncated(text.encode(), group.truncate)
        if date is None:
            raise BadCell(column, cell, EXPECTED_CALENDAR_DATE)
        text = date.decode()
    if group.case is not None:
        text = text.upper() if group.case == "upper" else text.lower()
    return text.encode()


def values_of(query: Query, cells: Sequence[bytes], notation: Notation) -> list[Any]:
    """Return the value of each aggregate; None for an empty cell. Raises BadCell."""
    plain = query.aggregation.is_default and notation == CANONICAL
    return [
        True if column is None else _value(aggregate, column, cells[column], notation, plain=plain)
        for column, aggregate in zip(query.columns, query.aggregation.aggregates, strict=True)
    ]


def _value(
    aggregate: Aggregate, column: int, cell: bytes, notation: Notation, *, plain: bool
) -> Any:
    """Return a value. With `plain`, messages suggest no other notation."""
    kind: Kind = aggregate.kind or "text"
    if not cell and not aggregate.strict:
        return None
    value = notation.readers[kind](cell) if cell else None
    if value is None:
        expected = notation.expected(kind) if plain else notation.expected_with_hint(kind, cell)
        if not cell and kind == "text":
            expected = "text (empty cells are errors here)"
        raise BadCell(column, cell, expected)
    return (value, cell) if kind == "date" else value
