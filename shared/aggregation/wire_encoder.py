"""Writes an aggregation as the JSON by which a client can ask for it again."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.kinds import NUMERIC
from shared.aggregation.spec import Condition
from shared.csv.dialect import UNDECLARED

if TYPE_CHECKING:
    from shared.aggregation.spec import (
        Aggregate,
        Aggregation,
        Filter,
        GroupColumn,
        Order,
    )
    from shared.csv.dialect import Input

_SAFE_INTEGER = re.compile(r"-?[1-9][0-9]{0,14}|0")
"""What every reader of JSON takes for the number that it is (RFC 8259, 6), and writes alike."""


def wire_json(aggregation: Aggregation) -> dict[str, Any]:
    """What `shared.aggregation.wire` reads as `aggregation`, without the keys that say nothing.

    Numbers that not every reader of JSON keeps exactly are strings with a `type`.
    """
    written: dict[str, Any] = {}
    if aggregation.group_by:
        written["group_by"] = [_group_column(group) for group in aggregation.group_by]
    if aggregation.aggregates:
        written["aggregates"] = [_aggregate(each) for each in aggregation.aggregates]
    if aggregation.where is not None:
        written["where"] = _filter(aggregation.where)
    if aggregation.having is not None:
        written["having"] = _filter(aggregation.having)
    if aggregation.order_by:
        written["order_by"] = [_order(order) for order in aggregation.order_by]
    if aggregation.limit is not None:
        written["limit"] = aggregation.limit
    written["output"] = aggregation.output
    if aggregation.input != UNDECLARED:
        written["input"] = _input(aggregation.input)
    return written


def _group_column(group: GroupColumn) -> Any:
    written: dict[str, Any] = {"column": group.column}
    if group.name is not None:
        written["name"] = group.name
    if group.truncate is not None:
        written["truncate"] = group.truncate
    if group.case is not None:
        written["case"] = group.case
    if group.trim:
        written["trim"] = True
    return written if len(written) > 1 else group.column


def _aggregate(aggregate: Aggregate) -> dict[str, Any]:
    written: dict[str, Any] = {"function": aggregate.function}
    if aggregate.column is not None:
        written["column"] = aggregate.column
    if aggregate.name is not None:
        written["name"] = aggregate.name
    if aggregate.kind not in (None, FUNCTIONS[aggregate.function].kinds[0]):
        written["type"] = aggregate.kind
    if aggregate.strict:
        written["empty"] = "fail"
    return written


def _filter(condition: Filter) -> dict[str, Any]:
    if isinstance(condition, Condition):
        return _condition(condition)
    return {condition.operator: [_filter(part) for part in condition.parts]}


def _condition(condition: Condition) -> dict[str, Any]:
    written: dict[str, Any] = {"column": condition.column, "op": condition.operator}
    if condition.operator == "is_empty":
        return written
    values: list[Any] = list(condition.values)
    exact = condition.kind in NUMERIC and all(map(_SAFE_INTEGER.fullmatch, values))
    if exact:
        values = [int(value) for value in values]
    written["value"] = values if condition.operator == "in" else values[0]
    if condition.kind != ("number" if exact else "text"):
        written["type"] = condition.kind
    return written


def _order(order: Order) -> Any:
    return {"column": order.column, "descending": True} if order.descending else order.column


def _input(declared: Input) -> dict[str, Any]:
    return {
        field.name: value
        for field in fields(declared)
        if (value := getattr(declared, field.name)) != field.default
    }
