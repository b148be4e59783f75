"""Convert an aggregation to JSON and back. There is one JSON: clients send it, answers show it,
and jobs, uploads and tasks store it.

The stored text also has a `version`. It is canonical: equal aggregations have equal texts, as long
as one version of csvmill wrote both. Version 1 stored another JSON, which `json_version_1` reads.
A csvmill that knows only version 1 raises ValueError for a job or an upload stored as version 2:
its processor cannot run the job, and its gateway answers 500 for it.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shared.aggregation import json_version_1
from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.kinds import NUMERIC
from shared.aggregation.spec import (
    ARITHMETIC,
    DEFAULT_SEPARATOR,
    SONG_PLAYS,
    Aggregate,
    Aggregation,
    Arithmetic,
    Condition,
    Filter,
    GroupColumn,
    Junction,
    Negation,
    OrderColumn,
)
from shared.csv.dialect import UNDECLARED, Input, NumberStyle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.aggregation.functions import Function
    from shared.aggregation.kinds import Kind
    from shared.aggregation.spec import Column

VERSION = 2

DEFAULT_KEYS = {"input", "on_warning", "output_options"}
"""The keys that a spec of the default aggregation may have."""

_SAFE_INTEGER = re.compile(r"-?[1-9][0-9]{0,14}|0")
"""An integer that every JSON implementation reads and writes exactly (RFC 8259, section 6)."""


def encode_aggregation(aggregation: Aggregation) -> str:
    """Return the text by which jobs and uploads store an aggregation."""
    return json.dumps({"version": VERSION, **aggregation_json(aggregation)})


def decode_aggregation(text: str) -> Aggregation:
    """Return the aggregation that this or an older version of csvmill stored as `text`.

    Raises ValueError if a newer version stored it.
    """
    stored: dict[str, Any] = json.loads(text)
    version = stored.pop("version", 0)
    if version < VERSION:
        return json_version_1.read(stored)
    if version > VERSION:
        raise ValueError(f"an aggregation of version {version}; this csvmill knows {VERSION}")
    return aggregation_of_json(stored)


def aggregation_json(aggregation: Aggregation) -> dict[str, Any]:
    """Return the JSON of an aggregation, without the keys that have their default value.

    Numbers that some readers of JSON would round are strings with a `type`.
    """
    written: dict[str, Any] = {}
    if aggregation.group_by:
        written["group_by"] = [_group_column_json(group) for group in aggregation.group_by]
    if aggregation.aggregates:
        written["aggregates"] = [_aggregate_json(each) for each in aggregation.aggregates]
    if aggregation.where is not None:
        written["where"] = _filter_json(aggregation.where)
    if aggregation.having is not None:
        written["having"] = _filter_json(aggregation.having)
    if aggregation.order_by:
        written["order_by"] = [_order_json(order) for order in aggregation.order_by]
    if aggregation.limit is not None:
        written["limit"] = aggregation.limit
    written["output"] = aggregation.output
    if aggregation.escape_formulas:
        written["output_options"] = {"escape_formulas": True}
    if aggregation.on_warning != "report":
        written["on_warning"] = aggregation.on_warning
    if aggregation.input != UNDECLARED:
        written["input"] = _input_json(aggregation.input)
    return written


def aggregation_of_json(spec: Mapping[str, Any]) -> Aggregation:
    """Return the aggregation that valid JSON means. `json_reader` checks what clients send."""
    declared = input_of_json(spec.get("input") or {})
    rest = {key: spec[key] for key in ("limit", "output", "on_warning") if key in spec}
    options = spec.get("output_options") or {}
    rest["escape_formulas"] = options.get("escape_formulas", False)
    if spec and set(spec) <= DEFAULT_KEYS:
        return replace(SONG_PLAYS, input=declared, **rest)
    return Aggregation(
        group_by=tuple(map(_group_column, spec.get("group_by", ()))),
        aggregates=tuple(map(_aggregate, spec.get("aggregates", ()))),
        where=_filter(spec.get("where")),
        having=_filter(spec.get("having")),
        order_by=tuple(map(_order, spec.get("order_by", ()))),
        input=declared,
        **rest,
    )


def _group_column_json(group: GroupColumn) -> Any:
    written: dict[str, Any] = {"column": group.column}
    if group.name is not None:
        written["name"] = group.name
    if group.truncate is not None:
        written["truncate"] = group.truncate
    if group.case is not None:
        written["case"] = group.case
    if group.trim:
        written["trim"] = True
    if group.part is not None:
        written["part"] = group.part
    if group.substring is not None:
        written["substring"] = list(group.substring)
    if group.match is not None:
        written["match"] = group.match
    if group.normalize is not None:
        written["normalize"] = group.normalize
    return written if len(written) > 1 else group.column


def _group_column(group: str | int | Mapping[str, Any]) -> GroupColumn:
    if isinstance(group, (str, int)):
        return GroupColumn(group)
    substring = group.get("substring")
    return GroupColumn(
        **{**group, "substring": None if substring is None else (substring[0], substring[1])}
    )


def _aggregate_json(aggregate: Aggregate) -> dict[str, Any]:
    written: dict[str, Any] = {"function": aggregate.function}
    column = aggregate.column
    if isinstance(column, Arithmetic):
        written["column"] = {column.operator: [column.left, column.right]}
    elif column is not None:
        written["column"] = column
    if aggregate.name is not None:
        written["name"] = aggregate.name
    if aggregate.kind not in (None, _default_kind(aggregate.function, column)):
        written["type"] = aggregate.kind
    if aggregate.strict:
        written["empty"] = "fail"
    if aggregate.where is not None:
        written["where"] = _filter_json(aggregate.where)
    if aggregate.p is not None:
        written["p"] = float(aggregate.p) if "." in aggregate.p else int(aggregate.p)
    if aggregate.separator is not None:
        written["separator"] = aggregate.separator
    if aggregate.of is not None:
        written["of"] = list(aggregate.of)
    return written


def _aggregate(aggregate: Mapping[str, Any]) -> Aggregate:
    function = FUNCTIONS[aggregate["function"]]
    column = _aggregated(aggregate.get("column"))
    default = _default_kind(function.name, column)
    separator = aggregate.get("separator")
    return Aggregate(
        function.name,
        column,
        aggregate.get("name"),
        None if column is None else aggregate.get("type") or default,
        strict=aggregate.get("empty") == "fail",
        where=_filter(aggregate.get("where")),
        p=None if aggregate.get("p") is None else _percentage(aggregate["p"]),
        separator=None if separator == DEFAULT_SEPARATOR else separator,
        of=None if aggregate.get("of") is None else (aggregate["of"][0], aggregate["of"][1]),
    )


def _aggregated(column: str | int | Mapping[str, Any] | None) -> Column | Arithmetic | None:
    if column is None or isinstance(column, (str, int)):
        return column
    operator = next(each for each in ARITHMETIC if column.get(each) is not None)
    left, right = column[operator]
    return Arithmetic(operator, left, right)


def _default_kind(function: Function, column: Column | Arithmetic | None) -> Kind:
    """Return the kind as which a column is read if the spec has no `type`."""
    kinds = FUNCTIONS[function].kinds
    return "number" if isinstance(column, Arithmetic) else kinds[0]


def _percentage(value: float | Decimal) -> str:
    return format(Decimal(str(value)).normalize(), "f")


def _filter_json(condition: Filter) -> dict[str, Any]:
    if isinstance(condition, Condition):
        return _condition_json(condition)
    if isinstance(condition, Negation):
        return {"not": _filter_json(condition.part)}
    return {condition.operator: [_filter_json(part) for part in condition.parts]}


def _filter(condition: Mapping[str, Any] | None) -> Filter | None:
    if condition is None:
        return None
    if "not" in condition:
        negated = _filter(condition["not"])
        return None if negated is None else Negation(negated)
    for operator in ("and", "or"):
        if operator in condition:
            parts = map(_filter, condition[operator])
            return Junction(operator, tuple(part for part in parts if part is not None))
    return _condition(condition)


def _condition_json(condition: Condition) -> dict[str, Any]:
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


def _condition(condition: Mapping[str, Any]) -> Condition:
    given = condition.get("value")
    values = given if isinstance(given, list) else [] if given is None else [given]
    numbers = any(isinstance(value, (int, Decimal)) for value in values)
    kind: Kind = condition.get("type") or ("number" if numbers else "text")
    return Condition(condition["column"], condition["op"], tuple(map(str, values)), kind)


def _order_json(order: OrderColumn) -> Any:
    return {"column": order.column, "descending": True} if order.descending else order.column


def _order(order: str | Mapping[str, Any]) -> OrderColumn:
    return OrderColumn(order) if isinstance(order, str) else OrderColumn(**order)


def input_of_json(declared: Mapping[str, Any]) -> Input:
    """Return the declaration that valid JSON means."""
    # Null is the same as a missing key.
    found = {key: value for key, value in declared.items() if value is not None}
    if "null" in found:
        found["null"] = tuple(found["null"])
    if "number" in found:
        found["number"] = NumberStyle(**found["number"])
    return Input(**found)


def _input_json(declared: Input) -> dict[str, Any]:
    return {name: _plain(value) for name, value in _changed(declared).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, NumberStyle):
        return _changed(value)
    return list(value) if isinstance(value, tuple) else value


def _changed(value: Input | NumberStyle) -> dict[str, Any]:
    """Return the fields that do not have their default value."""
    return {
        field.name: found
        for field in fields(value)
        if (found := getattr(value, field.name)) != field.default
    }
