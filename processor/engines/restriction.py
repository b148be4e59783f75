"""Compile `where` and `having` to functions that test the cells of a row."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from shared.aggregation.cells import CANONICAL
from shared.aggregation.resolve import Combination

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.aggregation.cells import Notation
    from shared.aggregation.kinds import Kind
    from shared.aggregation.resolve import Comparison, Restriction
    from shared.aggregation.spec import Operator

    Predicate = Callable[[Sequence[bytes]], bool]

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


class Unreadable(Exception):
    """A cell cannot be read as the kind of its comparison."""

    def __init__(self, column: int, kind: Kind) -> None:
        super().__init__(column, kind)
        self.column = column
        self.kind: Kind = kind


def predicate(restriction: Restriction, notation: Notation = CANONICAL) -> Predicate:
    """Return a function that tests whether cells meet `restriction`. It raises Unreadable.

    Numbers in cells are read in `notation`; the values of the restriction are canonical.
    Combinations are evaluated from left to right, and stop as soon as the result is known.
    """
    if isinstance(restriction, Combination):
        return _combined(restriction, notation)
    if restriction.operator == "is_empty":
        column = restriction.column
        return lambda cells: not cells[column]
    if restriction.kind == "text":
        return _of_text(restriction)
    return _of_value(restriction, notation)


def _combined(combination: Combination, notation: Notation) -> Predicate:
    parts = [predicate(part, notation) for part in combination.parts]
    if combination.operator == "and":
        return lambda cells: all(part(cells) for part in parts)
    return lambda cells: any(part(cells) for part in parts)


def _of_text(comparison: Comparison) -> Predicate:
    column = comparison.column
    values = [value.encode() for value in comparison.values]
    if comparison.operator == "in":
        allowed = frozenset(values)
        return lambda cells: cells[column] in allowed
    compare, (value,) = _COMPARE[comparison.operator], values
    return lambda cells: compare(cells[column], value)


def _of_value(comparison: Comparison, notation: Notation) -> Predicate:
    """Return the test of a number or date. An empty cell never meets it."""
    column, kind = comparison.column, comparison.kind
    read = notation.readers[kind]
    values = [CANONICAL.readers[kind](value.encode()) for value in comparison.values]
    allowed = frozenset(values)
    compare = None if comparison.operator == "in" else _COMPARE[comparison.operator]

    def holds(cells: Sequence[bytes]) -> bool:
        cell = cells[column]
        if not cell:
            return False
        value = read(cell)
        if value is None:
            raise Unreadable(column, kind)
        return value in allowed if compare is None else compare(value, values[0])

    return holds
