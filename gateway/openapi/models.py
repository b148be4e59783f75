"""Turns the JSON Schemas of pydantic models into components of the document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shared.api.view import COMPONENT, adapter

if TYPE_CHECKING:
    from gateway.openapi.parts import Node
    from shared.api.view import View

_SUFFIX = re.compile(r"(In|View)$")


def view_schemas(*views: type[View]) -> Node:
    """Return the components that describe these views and the views in them."""
    found: Node = {}
    for view in views:
        schema = adapter(view).json_schema(mode="serialization")
        found |= as_components(name_of(view.__name__), schema)
    for schema in found.values():
        for field in schema["properties"].values():
            field.pop("default", None)  # it is the client's: the gateway sends every field
    return found


def as_components(name: str, schema: Node) -> Node:
    """Return the components that a model's schema consists of, by name."""
    whole = _as_component(schema)
    parts = whole.pop("$defs", {})
    return {name: whole} | {name_of(part): found for part, found in parts.items()}


def name_of(model: str) -> str:
    """Return the name of a model's component: `JobView` is `Job`."""
    return _SUFFIX.sub("", model.rpartition("/")[2])


def _as_component(node: Any) -> Any:
    """Return a schema with references to components and without titles, which repeat the names."""
    if isinstance(node, list):
        return [_as_component(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {
        key: _as_component(value)
        for key, value in node.items()
        if key != COMPONENT and (key != "title" or not isinstance(value, str))
    }
    if target := node.get("$ref") or node.get(COMPONENT):
        found["$ref"] = f"#/components/schemas/{name_of(target)}"
    description = found.get("description")
    if isinstance(description, str):
        found["description"] = " ".join(description.split())
    return _nullable(found)


def _nullable(node: Node) -> Node:
    """Return `anyOf` of a simple type and null as one type."""
    kinds = node.get("anyOf", ())
    if len(kinds) != 2 or kinds[1] != {"type": "null"} or "enum" in kinds[0]:
        return node
    if not isinstance(kind := kinds[0].get("type"), str):
        return node
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**kinds[0], **rest, "type": [kind, "null"]}
