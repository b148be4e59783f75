"""Builders for schemas (JSON Schema 2020-12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.openapi.parts import Node


def an_object(properties: Node, *, description: str = "", optional: tuple[str, ...] = ()) -> Node:
    """Return the schema of an object that always has every key but the `optional` ones."""
    node: Node = {"type": "object"}
    if description:
        node["description"] = description
    node["properties"] = properties
    node["required"] = [name for name in properties if name not in optional]
    return node


def integer(description: str, *, at_least: int = 0) -> Node:
    """Return the schema of a number of bytes, rows or attempts."""
    return {"type": "integer", "minimum": at_least, "description": description}


def text(description: str, **more: object) -> Node:
    """Return the schema of a string."""
    return {"type": "string", "description": description, **more}


def or_null(node: Node) -> Node:
    """Return the schema of a value that may be null."""
    if "$ref" in node:
        return {"oneOf": [node, {"type": "null"}]}
    if "oneOf" in node:
        return {"oneOf": [*node["oneOf"], {"type": "null"}]}
    return {**node, "type": [node["type"], "null"]}
