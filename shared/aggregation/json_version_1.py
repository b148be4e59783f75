"""Read aggregations that were stored before version 2 of their JSON (see `json_codec`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.aggregation.spec import (
    Aggregate,
    Aggregation,
    Condition,
    Filter,
    GroupColumn,
    Junction,
    OrderColumn,
)
from shared.csv.dialect import Input

if TYPE_CHECKING:
    from collections.abc import Mapping


def read(stored: Mapping[str, Any]) -> Aggregation:
    """Return the aggregation stored as version 1, or before there were versions.

    Version 1 has the fields of the dataclasses as keys, with all their values.
    """
    if "sum_of" in stored:
        return _unversioned(stored)
    return Aggregation(
        group_by=tuple(GroupColumn(**group) for group in stored["group_by"]),
        aggregates=tuple(Aggregate(**aggregate) for aggregate in stored["aggregates"]),
        where=_filter(stored["where"]),
        having=_filter(stored["having"]),
        order_by=tuple(OrderColumn(**order) for order in stored["order_by"]),
        limit=stored["limit"],
        output=stored["output"],
        input=Input(**stored.get("input", {})),
    )


def _filter(stored: Mapping[str, Any] | None) -> Filter | None:
    if stored is None:
        return None
    if "parts" in stored:
        parts = map(_filter, stored["parts"])
        return Junction(stored["operator"], tuple(part for part in parts if part is not None))
    return Condition(**{**stored, "values": tuple(stored["values"])})


def _unversioned(stored: Mapping[str, Any]) -> Aggregation:
    """Return an aggregation without a version: a sum of integers, with columns counted from 0."""
    *names, total = stored["header"]
    columns = zip(stored["group_by"], names, strict=True)
    return Aggregation(
        group_by=tuple(GroupColumn(column + 1, name) for column, name in columns),
        aggregates=(Aggregate("sum", stored["sum_of"] + 1, total, kind="integer", strict=True),),
    )
