"""Which aggregations the fast plan can prove; all others are for the exact plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.jobs import Aggregation


def why_not_fast(aggregation: Aggregation) -> str | None:
    """Why the fast plan does not attempt an aggregation; None if it does."""
    sums = [
        a
        for a in aggregation.aggregates
        if a.function == "sum" and a.kind == "integer" and a.strict
    ]
    if not aggregation.group_by or len(sums) != 1 or len(aggregation.aggregates) != 1:
        return "anything but one strict sum of integers"
    if any(group.truncate or group.case or group.trim for group in aggregation.group_by):
        return "group columns that are changed"
    if aggregation.where or aggregation.having or aggregation.order_by or aggregation.limit:
        return "rows that are filtered or sorted"
    if aggregation.output == "jsonl":
        return "an output other than CSV"
    return None
