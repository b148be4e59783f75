"""Check an aggregation without a header."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from shared.aggregation.resolve import resolve
from shared.aggregation.spec import Aggregate, Arithmetic, Condition, Junction, Negation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.aggregation.spec import Aggregation, Filter, GroupColumn

T = TypeVar("T", "Aggregate", "GroupColumn")


def check(aggregation: Aggregation) -> None:
    """Raise InvalidInput if `aggregation` is wrong for every header.

    An output column has no known name here if the spec gives none and its column has a position.
    Only `resolve` checks `having` and `order_by` for such a column.
    """
    known_names = [
        *map(_known_name, aggregation.group_by),
        *map(_known_aggregate, aggregation.aggregates),
    ]
    known = aggregation
    if None in known_names:
        names = [f"\0{i}" if name is None else name for i, name in enumerate(known_names)]
        placeholder = names[known_names.index(None)]
        having = aggregation.having
        groups = len(aggregation.group_by)
        known = replace(
            aggregation,
            group_by=tuple(map(_named, aggregation.group_by, names[:groups])),
            aggregates=tuple(
                _with_known_ratio(_named(aggregate, name), names)
                for aggregate, name in zip(aggregation.aggregates, names[groups:], strict=True)
            ),
            having=None if having is None else _with_known(having, names, placeholder),
            order_by=tuple(
                order if order.column in names else replace(order, column=placeholder)
                for order in aggregation.order_by
            ),
        )
    # Resolve against a header that has all columns of the aggregation.
    resolve(known, _complete_header(aggregation))


def _named(column: T, name: str) -> T:
    return replace(column, name=name)


def _with_known_ratio(aggregate: Aggregate, names: Sequence[str]) -> Aggregate:
    """Return a count in place of a ratio of unknown columns."""
    if aggregate.of is None or set(aggregate.of) <= set(names):
        return aggregate
    return Aggregate("count", name=aggregate.name)


def _with_known(having: Filter, names: Sequence[str], placeholder: str) -> Filter:
    """Return the filter with `placeholder` in place of unknown columns."""
    if isinstance(having, Negation):
        return Negation(_with_known(having.part, names, placeholder))
    if isinstance(having, Junction):
        return replace(
            having, parts=tuple(_with_known(part, names, placeholder) for part in having.parts)
        )
    return having if having.column in names else Condition(placeholder, "is_empty")


def _known_name(group: GroupColumn) -> str | None:
    if group.name is not None:
        return group.name
    return group.column if isinstance(group.column, str) else None


def _known_aggregate(aggregate: Aggregate) -> str | None:
    if aggregate.name is not None:
        return aggregate.name
    column = aggregate.column
    read = (column.left, column.right) if isinstance(column, Arithmetic) else (column,)
    return None if any(isinstance(each, int) for each in read) else aggregate.default_name(str)


def _complete_header(aggregation: Aggregation) -> list[str]:
    unnamed = [f"\0{i}" for i in range(aggregation.width)]
    return [*unnamed, *sorted(aggregation.named_columns)]
