"""What a job computes, in a line: `sum(Plays), count by Song, Date:month where Country = DE`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_GROUP = ("truncate", "part", "case", "normalize", "substring", "match")
"""Keys of a group column whose values are shown after its name."""


def describe_spec(spec: Mapping[str, Any]) -> str:
    """Return what a spec, as JSON, computes."""
    text = ", ".join(map(_aggregate, spec.get("aggregates", ())))
    if groups := spec.get("group_by"):
        text += f"{' ' if text else 'values '}by {', '.join(map(_group, groups))}"
    if where := spec.get("where"):
        text += f" where {describe_condition(where)}"
    if having := spec.get("having"):
        text += f" having {describe_condition(having)}"
    if orders := spec.get("order_by"):
        text += f" ordered by {', '.join(map(_order, orders))}"
    if limit := spec.get("limit"):
        text += f", at most {limit:,} rows"
    return text


def _column(column: Any) -> str:
    """Return an input column: a name, a position, or arithmetic."""
    if isinstance(column, int):
        return f"@{column}"
    if isinstance(column, str):
        return column
    return " ".join(f"{operator}({', '.join(map(_column, of))})" for operator, of in column.items())


def _aggregate(aggregate: Mapping[str, Any]) -> str:
    function = str(aggregate["function"])
    if "of" in aggregate:
        inner = "/".join(map(str, aggregate["of"]))
    else:
        inner = _column(aggregate["column"]) if "column" in aggregate else ""
    if "p" in aggregate:
        inner += f", {aggregate['p']}"
    if "where" in aggregate:
        inner += f"{' if ' if inner else ''}{describe_condition(aggregate['where'])}"
    text = f"{function}({inner})" if inner else function
    name = aggregate.get("name")
    return text if name in (None, text) else f"{text} as {name}"


def _group(group: Any) -> str:
    if not isinstance(group, dict):
        return _column(group)
    options = [str(group[key]) for key in _OF_GROUP if key in group]
    if group.get("trim"):
        options.append("trim")
    text = ":".join((_column(group["column"]), *options))
    return f"{text} as {group['name']}" if "name" in group else text


def _order(order: Any) -> str:
    if not isinstance(order, dict):
        return str(order)
    return f"{order['column']}{' descending' if order.get('descending') else ''}"


def describe_condition(condition: Mapping[str, Any], *, inner: bool = False) -> str:
    """Return a condition as text, in parentheses if it is combined and `inner` to another."""
    for form in ("and", "or"):
        if form in condition:
            parts = (describe_condition(part, inner=True) for part in condition[form])
            text = f" {form} ".join(parts)
            return f"({text})" if inner else text
    if "not" in condition:
        return f"not {describe_condition(condition['not'], inner=True)}"
    text = f"{_column(condition['column'])} {condition['op']}"
    value = condition.get("value")
    if isinstance(value, list):
        return f"{text} ({', '.join(map(str, value))})"
    return text if value is None else f"{text} {value}"
