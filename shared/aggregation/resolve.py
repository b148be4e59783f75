"""Resolve an aggregation against a header: columns by number, and names for all output columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.aggregation.cells import EXPECTED
from shared.aggregation.formats import FORMATS
from shared.aggregation.kinds import NUMERIC
from shared.aggregation.nearest import cut, nearest, nearest_column
from shared.aggregation.spec import (
    FILE_COLUMN,
    Aggregate,
    Arithmetic,
    Junction,
    Negation,
    Operator,
)
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from shared.aggregation.date_format import DateFormat
    from shared.aggregation.kinds import Kind
    from shared.aggregation.spec import Aggregation, Column, Filter

    Find = Callable[[Column, str], int]

_DUALS: dict[str, str] = {"and": "or", "or": "and"}
_OPPOSITES: dict[Operator, Operator] = {
    "=": "!=",
    "!=": "=",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
}
_POSITIONS_SHOWN = 20
"""Columns of the same name that a message lists."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition on a column, which is counted from 0."""

    column: int
    operator: Operator
    values: tuple[str, ...]
    kind: Kind
    negated: bool = False
    """Whether it holds where `operator` does not, which is one without an opposite. It does not
    hold either for an empty cell that is compared as a number or date."""


@dataclass(frozen=True, slots=True)
class Combination:
    """Several tests of which all (`and`) or any (`or`) must hold."""

    operator: str
    parts: tuple[Comparison | Combination, ...]


Restriction = Comparison | Combination


@dataclass(frozen=True, slots=True)
class OrderKey:
    """The number of an output column, counted from 0, and the direction."""

    column: int
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """An aggregation with every column found. Columns are counted from 0."""

    aggregation: Aggregation
    group_by: tuple[int, ...]
    """The column of each group column."""
    columns: tuple[int | None, ...]
    """The column of each aggregate; None for an aggregate without a column."""
    operands: tuple[int | None, ...]
    """The second column of each aggregate of arithmetic; None for others."""
    filters: tuple[Restriction | None, ...]
    """The `where` of each aggregate."""
    ratios: tuple[tuple[int, int] | None, ...]
    """The aggregates that each ratio divides, counted from 0; None for other functions."""
    names: tuple[str, ...]
    """The names of the output columns: group columns, then aggregates."""
    where: Restriction | None
    having: Restriction | None
    """Its columns are output columns."""
    order_by: tuple[OrderKey, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kind of each output column."""
        groups: list[Kind] = ["text"] * len(self.group_by)
        return (*groups, *(each.output_kind for each in self.aggregation.aggregates))


def resolve(aggregation: Aggregation, header: Sequence[str]) -> Query:
    """Find the columns of `aggregation` in a header, after which `@file` is one more.

    Raises InvalidInput with the path of the wrong part, its value and a hint, such as the most
    similar column.
    """
    lookup = _Lookup(header, aggregation.named_columns)
    group_by = [
        lookup.find(group.column, f"group_by[{i}].column")
        for i, group in enumerate(aggregation.group_by)
    ]
    columns = [
        _aggregated(aggregate, f"aggregates[{i}].column", lookup)
        for i, aggregate in enumerate(aggregation.aggregates)
    ]
    names = [
        *(g.name or lookup.name(g.column) for g in aggregation.group_by),
        *(a.name or a.default_name(lookup.name) for a in aggregation.aggregates),
    ]
    _check_names(aggregation, names)
    dates = aggregation.notation.dates.of_values
    query = Query(
        aggregation=aggregation,
        group_by=tuple(group_by),
        columns=tuple(column for column, _ in columns),
        operands=tuple(operand for _, operand in columns),
        filters=tuple(
            _restriction(aggregate.where, f"aggregates[{i}].where", lookup.find, dates)
            for i, aggregate in enumerate(aggregation.aggregates)
        ),
        ratios=tuple(_divided(aggregation, names, i) for i in range(len(aggregation.aggregates))),
        names=tuple(names),
        where=_restriction(aggregation.where, "where", lookup.find, dates),
        having=_restriction(
            aggregation.having, "having", lambda c, path: _output(names, c, path), dates
        ),
        order_by=tuple(
            OrderKey(_output(names, order.column, f"order_by[{i}].column"), order.descending)
            for i, order in enumerate(aggregation.order_by)
        ),
    )
    if query.having is None:
        return query
    return replace(query, having=_of_output(query.having, query.kinds, "having", dates))


def _aggregated(aggregate: Aggregate, path: str, lookup: _Lookup) -> tuple[int | None, int | None]:
    """Return the columns that an aggregate reads: one, two of arithmetic, or none."""
    column = aggregate.column
    if isinstance(column, Arithmetic):
        path += f".{column.operator}"
        return lookup.find(column.left, f"{path}[0]"), lookup.find(column.right, f"{path}[1]")
    return (None if column is None else lookup.find(column, path)), None


def _divided(aggregation: Aggregation, names: Sequence[str], number: int) -> tuple[int, int] | None:
    """Return the aggregates that a ratio divides."""
    of = aggregation.aggregates[number].of
    if of is None:
        return None
    found = []
    for i, name in enumerate(of):
        path = f"aggregates[{number}].of[{i}]"
        place = _output(names, name, path) - len(aggregation.group_by)
        if place < 0:
            raise _wrong(path, name, "it is a group column; send the name of an aggregate")
        aggregate = aggregation.aggregates[place]
        if aggregate.of is not None:
            raise _wrong(path, name, "it is a ratio; send the name of another aggregate")
        if aggregate.output_kind not in NUMERIC:
            raise _wrong(path, name, f"the column contains {aggregate.output_kind}, not numbers")
        found.append(place)
    return found[0], found[1]


class _Lookup:
    """Finds columns of a header by name and position."""

    def __init__(self, header: Sequence[str], wanted: Collection[str]) -> None:
        """`wanted` are the names that `find` is asked for."""
        self._header = header
        # Only of these, as a header may have a million names.
        self._places: dict[str, list[int]] = {name: [] for name in (*wanted, FILE_COLUMN)}
        for i, name in enumerate(header):
            if name in self._places:
                self._places[name].append(i)

    def name(self, column: Column) -> str:
        """Return the name of a column that is in the header."""
        return column if isinstance(column, str) else self._header[column - 1]

    def find(self, column: Column, path: str) -> int:
        """Return the number of a column, counted from 0. Raises InvalidInput."""
        header = self._header
        if isinstance(column, int):
            if column > len(header):
                raise _wrong(path, column, f"the file has {len(header)} columns")
            return column - 1
        found = self._places[column]
        if column == FILE_COLUMN:
            if not found:
                return len(header)
            reason = (
                "it stands for the name of the file, but is also that of a column; send the "
                f"position of the column, {found[0] + 1}, or rename it in the file"
            )
            raise _wrong(path, column, reason)
        if len(found) == 1:
            return found[0]
        if found:
            positions = ", ".join(str(i + 1) for i in found[:_POSITIONS_SHOWN])
            positions += ", ..." if len(found) > _POSITIONS_SHOWN else ""
            raise _wrong(path, column, f"columns {positions} have this name; send a position")
        raise _wrong(path, column, f"no column has this name; {nearest_column(column, header)}")


def _output(names: Sequence[str], column: Column, path: str) -> int:
    found = [i for i, name in enumerate(names) if name == column]
    if not found:
        raise _wrong(path, column, f"no output column has this name; {nearest(column, names)}")
    return found[0]


def _check_names(aggregation: Aggregation, names: Sequence[str]) -> None:
    groups = len(aggregation.group_by)
    output = FORMATS[aggregation.output]
    before: set[str] = set()
    folded_before: set[str] = set()
    if aggregation.escape_formulas and output.rows != "csv":
        reason = f"{output.label} files have no formulas; leave it out, or send another output"
        raise _wrong("output_options.escape_formulas", "true", reason)
    for i, name in enumerate(names):
        path = f"group_by[{i}].name" if i < groups else f"aggregates[{i - groups}].name"
        if name in before:
            raise _wrong(path, name, "another output column has this name; send another")
        if output.strict_names:
            if not name:
                reason = f"a column of a {output.label} file needs a name; send one"
                raise _wrong(path, name, reason)
            folded = name.casefold()
            if folded in folded_before:
                reason = (
                    f"many readers of {output.label} ignore case, and another column has this "
                    "name; send another"
                )
                raise _wrong(path, name, reason)
            folded_before.add(folded)
        before.add(name)


def _of_output(
    having: Restriction, kinds: Sequence[Kind], path: str, dates: DateFormat
) -> Restriction:
    """Return the restriction with the kind of its output column."""
    if isinstance(having, Combination):
        parts = enumerate(having.parts)
        return Combination(
            having.operator,
            tuple(
                _of_output(part, kinds, f"{path}.{having.operator}[{i}]", dates)
                for i, part in parts
            ),
        )
    kind = kinds[having.column]
    if having.operator == "is_empty":
        return having
    expected: Kind = "number" if kind == "integer" else kind
    if having.kind != expected and not (expected == "date" and having.kind == "text"):
        values = ", ".join(having.values)
        needed = dates.expected() if kind == "date" else EXPECTED[kind]
        raise _wrong(f"{path}.value", values, f"the column contains {kind}; send {needed}")
    if having.operator in ("contains", "starts_with") and kind != "text":
        raise _wrong(
            f"{path}.op", having.operator, f"the column contains {kind}; compare with =, < or >"
        )
    if expected == "date":
        _check_dates(having.values, f"{path}.value", dates)
    return replace(having, kind=expected)


def _restriction(
    condition: Filter | None, path: str, find: Find, dates: DateFormat
) -> Restriction | None:
    return None if condition is None else _resolved(condition, path, find, dates, negated=False)


def _resolved(
    condition: Filter, path: str, find: Find, dates: DateFormat, *, negated: bool
) -> Restriction:
    """Resolve a filter, or its negation: that of `and` is `or` of the negations, and so on."""
    if isinstance(condition, Negation):
        return _resolved(condition.part, f"{path}.not", find, dates, negated=not negated)
    if isinstance(condition, Junction):
        operator = condition.operator
        parts = [
            _resolved(part, f"{path}.{operator}[{i}]", find, dates, negated=negated)
            for i, part in enumerate(condition.parts)
        ]
        combined = _DUALS[operator] if negated else operator
        return Combination(combined, tuple(parts))
    column = find(condition.column, f"{path}.column")
    if condition.kind == "date":
        _check_dates(condition.values, f"{path}.value", dates)
    found = Comparison(column, condition.operator, condition.values, condition.kind)
    if not negated:
        return found
    opposite = _OPPOSITES.get(found.operator)
    return replace(found, negated=True) if opposite is None else replace(found, operator=opposite)


def _check_dates(values: Sequence[str], path: str, dates: DateFormat) -> None:
    """Check that dates to compare with have a time zone if those of the file have one."""
    for value in values:
        if dates.key(value.encode()) is None:
            raise _wrong(path, value, f"send {dates.expected()}")


def _wrong(path: str, value: object, reason: str) -> InvalidInput:
    return InvalidInput(f"{path} is {cut(value)}: {reason}", field=path)
