"""`where` and `having` as functions: whether a row's cells meet a restriction."""

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
    """A cell is not what it is to be compared as."""

    def __init__(self, column: int, kind: Kind) -> None:
        super().__init__(column, kind)
        self.column = column
        self.kind: Kind = kind


def predicate(restriction: Restriction, notation: Notation = CANONICAL) -> Predicate:
    """A function that tells whether cells meet `restriction`, and raises Unreadable.

    Cells have their numbers in `notation`, while the values that they are compared with never do.
    What is decided by the parts to the left does not look at those to the right.
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
        known = frozenset(values)
        return lambda cells: cells[column] in known
    compare, (value,) = _COMPARE[comparison.operator], values
    return lambda cells: compare(cells[column], value)


def _of_value(comparison: Comparison, notation: Notation) -> Predicate:
    """Compares numbers or dates: an empty cell is neither, and no comparison with it holds."""
    column, kind = comparison.column, comparison.kind
    read = notation.readers[kind]
    values = [CANONICAL.readers[kind](value.encode()) for value in comparison.values]
    known = frozenset(values)
    compare = None if comparison.operator == "in" else _COMPARE[comparison.operator]

    def holds(cells: Sequence[bytes]) -> bool:
        cell = cells[column]
        if not cell:
            return False
        found = read(cell)
        if found is None:
            raise Unreadable(column, kind)
        return found in known if compare is None else compare(found, values[0])

    return holds
