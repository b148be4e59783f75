"""Renders the OpenAPI document as one HTML page without scripts.

Supports the parts of OpenAPI that our document uses.
"""

from __future__ import annotations

import json
import re
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, cast

from gateway import web as web_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.openapi.parts import Node

_STYLE = "".join(
    files(web_page).joinpath(*path.split("/")).read_text(encoding="utf-8")
    for path in ("page/styles/tokens.css", "docs.css")
)


def page(document: Node) -> str:
    """Return HTML that shows every operation, answer and schema of the document."""
    return "\n".join(_page(document))


def _page(document: Node) -> Iterator[str]:
    info = document["info"]
    yield (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(info['title'])}: the API</title>\n<style>\n{_STYLE}</style>"
    )
    yield '<p><a href="./">Back to the page</a></p>'
    yield f"<h1>{_text(info['title'])}: the API</h1><p>{_text(info['summary'])}</p>"
    yield f"<p>{_text(info['description'])}</p>"
    yield '<p>For programs: <a href="openapi.json">/openapi.json</a> (OpenAPI 3.1)</p>'
    yield "<nav>"
    for tag in document["tags"]:
        yield f"<h2>{_text(tag['name'])}</h2><p>{_text(tag['description'])}</p><ul>"
        for path, methods, shown in _operations(document, tag["name"]):
            yield (
                f'<li><a href="#{escape(shown["operationId"])}"><code>{escape(methods)} '
                f"{escape(path)}</code></a> {_text(shown['summary'])}"
            )
        yield "</ul>"
    yield "</nav>"
    for tag in document["tags"]:
        for path, methods, shown in _operations(document, tag["name"]):
            yield from _operation(path, methods, shown)
    yield "<h2>Schemas</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield f'<section id="{_anchor(name)}"><h3>{escape(name)}</h3>'
        yield f"<p>{_text(schema.get('description', ''))}</p>"
        yield from _properties(schema)
        yield "</section>"
    yield "</html>"


def _operations(document: Node, tag: str) -> Iterator[tuple[str, str, Node]]:
    """Yield path, methods and operation of a tag. HEAD is shown with its GET, if there is one."""
    for path, item in document["paths"].items():
        for method, shown in item.items():
            if tag in shown["tags"] and not (method == "head" and "get" in item):
                yield path, "GET, HEAD" if method == "get" else method.upper(), shown


def _operation(path: str, methods: str, shown: Node) -> Iterator[str]:
    yield f'<section id="{escape(shown["operationId"])}">'
    yield f"<h3><code>{escape(methods)} {escape(path)}</code></h3>"
    more = _text(shown.get("description", ""))
    yield f"<p><strong>{_text(shown['summary'])}.</strong> {more}</p>"
    entries = shown.get("security", ())
    if scopes := [scope for entry in entries for named in entry.values() for scope in named]:
        yield f"<p>Scope of the key: {' or '.join(map(escape, scopes))}.</p>"
    if shown.get("parameters"):
        yield "<h4>Parameters</h4>"
        yield _table(
            (
                f"<code>{escape(each['name'])}</code>",
                escape(each["in"]) + (", required" if each.get("required") else ""),
                _type(_schema_of(each)),
                _text(each["description"]) + _example_of(each),
            )
            for each in shown["parameters"]
        )
    if body := shown.get("requestBody"):
        yield f"<h4>Body</h4><p>{_text(body.get('description', ''))}</p>"
        for media_type, content in body["content"].items():
            yield f"<p><code>{escape(media_type)}</code> {_type(content.get('schema', {}))}</p>"
            yield from _properties(content.get("schema", {}))
            yield _example(content)
    yield "<h4>Answers</h4>"
    yield _table(
        (
            f"<code>{escape(status)}</code>",
            _text(answer["description"])
            + "".join(_example(each) for each in answer.get("content", {}).values()),
            "<br>".join(
                f"<code>{escape(media_type)}</code> {_type(content.get('schema', {}))}"
                for media_type, content in answer.get("content", {}).items()
            ),
        )
        for status, answer in shown["responses"].items()
    )
    yield "</section>"


def _properties(schema: Node) -> Iterator[str]:
    required = schema.get("required", ())
    if found := schema.get("properties"):
        yield _table(
            (
                f"<code>{escape(name)}</code>",
                "" if name in required else "optional",
                _type(each),
                _text(each.get("description", "")),
            )
            for name, each in found.items()
        )
    if enum := schema.get("enum"):
        yield "<p>" + ", ".join(f"<code>{_value(value)}</code>" for value in enum) + "</p>"


def _type(schema: Node) -> str:
    """Return the type of a value in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{_anchor(name)}">{escape(name)}</a>'
    if "const" in schema:
        return f"<code>{_value(schema['const'])}</code>"
    for several in ("oneOf", "allOf", "anyOf"):
        if several in schema:
            return " or ".join(_type(each) for each in schema[several])
    if "enum" in schema:
        values = schema["enum"]
        return " ".join(f"<code>{_value(value)}</code>" for value in values)
    if "items" in schema:
        return f"array of {_type(schema['items'])}"
    if "contentSchema" in schema:
        return f"string with {_type(schema['contentSchema'])}"
    kinds = schema.get("type", "bytes")
    words = kinds if isinstance(kinds, str) else " or ".join(kinds)
    return escape(words + (f", {schema['format']}" if "format" in schema else ""))


def _example(content: Node) -> str:
    """The examples of a body, folded if there are several."""
    if "example" in content:
        return f"<pre>{_shown(content['example'])}</pre>"
    return "".join(
        f"<details><summary>{escape(name)}</summary><pre>{_shown(each['value'])}</pre></details>"
        for name, each in content.get("examples", {}).items()
    )


def _schema_of(parameter: Node) -> Node:
    """Return the schema of a parameter or of its content."""
    if "schema" in parameter:
        return cast("Node", parameter["schema"])
    (content,) = parameter["content"].values()
    return cast("Node", content["schema"])


def _example_of(parameter: Node) -> str:
    example = parameter.get("example")
    return "" if example is None else f" (<code>{escape(str(example))}</code>)"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return escape(text, quote=False)


def _value(value: object) -> str:
    return escape(value if isinstance(value, str) else json.dumps(value))


def _anchor(schema: str) -> str:
    return f"schema-{escape(schema)}"


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    lines = ("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return '<div class="wide"><table>' + "\n".join(lines) + "</table></div>"


def _text(text: str) -> str:
    """Return text as HTML, with code between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
