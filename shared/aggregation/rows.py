"""Aggregations as the text in which jobs, uploads and tasks keep them: JSON with a version.

What is read here was written here, perhaps by an older csvmill; what clients send is read by
`shared.aggregation.wire`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from shared.aggregation.spec import (
    Aggregate,
    Aggregation,
    Condition,
    Filter,
    GroupColumn,
    Junction,
    Order,
)
from shared.csv.dialect import UNDECLARED, Input

VERSION = 1


def encode_aggregation(aggregation: Aggregation) -> str:
    """An aggregation as text, which `decode_aggregation` reads."""
    fields = {"version": VERSION, **asdict(aggregation)}
    if aggregation.input == UNDECLARED:
        # An older processor does not know it, and need not.
        del fields["input"]
    return json.dumps(fields)


def decode_aggregation(text: str) -> Aggregation:
    """The aggregation that was written as `text` by this or an older version of csvmill.

    Raises ValueError for one of a newer version.
    """
    fields: dict[str, Any] = json.loads(text)
    version = fields.pop("version", 0)
    if version == 0:
        return _first_version(fields)
    if version != VERSION:
        raise ValueError(f"an aggregation of version {version}; this csvmill knows {VERSION}")
    return Aggregation(
        group_by=tuple(GroupColumn(**group) for group in fields.pop("group_by")),
        aggregates=tuple(Aggregate(**aggregate) for aggregate in fields.pop("aggregates")),
        where=_filter(fields.pop("where")),
        having=_filter(fields.pop("having")),
        order_by=tuple(Order(**order) for order in fields.pop("order_by")),
        input=Input(**fields.pop("input", {})),
        **fields,
    )


def _filter(fields: dict[str, Any] | None) -> Filter | None:
    if fields is None:
        return None
    if "parts" in fields:
        parts = (_filter(part) for part in fields["parts"])
        return Junction(fields["operator"], tuple(part for part in parts if part is not None))
    return Condition(**{**fields, "values": tuple(fields["values"])})


def _first_version(fields: dict[str, Any]) -> Aggregation:
    """One sum of integers; columns counted from 0, output columns named in order."""
    *names, total = fields["header"]
    columns = zip(fields["group_by"], names, strict=True)
    return Aggregation(
        group_by=tuple(GroupColumn(column + 1, name) for column, name in columns),
        aggregates=(Aggregate("sum", fields["sum_of"] + 1, total, kind="integer", strict=True),),
    )
