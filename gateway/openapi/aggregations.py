"""The schema of a spec, from `shared.aggregation.json_reader`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.aggregation.json_reader import json_schema

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

NAME = "Aggregation"

AGGREGATION_EXAMPLE: Node = {
    "group_by": ["Song", {"column": "Date", "truncate": "month"}],
    "aggregates": [{"function": "sum", "column": "Number of Plays", "name": "Plays"}],
    "where": {"column": "Number of Plays", "op": ">", "value": 0},
    "order_by": [{"column": "Plays", "descending": True}],
    "limit": 100,
    "output": "csv",
}


def _schemas() -> Node:
    whole = _as_component(json_schema())
    parts = whole.pop("$defs")
    return {NAME: {**whole, "examples": [AGGREGATION_EXAMPLE]}} | {
        _name(name): part for name, part in parts.items()
    }


def _as_component(node: Any) -> Any:
    """The same with references to components, and without titles, which repeat the names."""
    if isinstance(node, list):
        return [_as_component(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {**node, "$ref": f"#/components/schemas/{_name(node['$ref'])}"}
    return {
        key: _as_component(value)
        for key, value in node.items()
        if key != "title" or not isinstance(value, str)
    }


def _name(definition: str) -> str:
    return definition.rpartition("/")[2].removesuffix("In")


SCHEMAS = _schemas()
