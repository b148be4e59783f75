"""Specs that are so plain that they are valid, which is known without the model of all specs.

Importing the model takes longer than all else that `csvmill run --server` does for a small file.
The server checks every spec that it is sent.
"""

from __future__ import annotations

from typing import Any

from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.json_codec import aggregation_json, aggregation_of_json
from shared.errors import InvalidInput

MOST_ITEMS = 20
LONGEST_NAME = 100
LARGEST_NUMBER = 1000
MOST_ROWS = 1_000_000_000
_KEYS = {"group_by", "aggregates", "order_by", "limit", "output"}


def checked_if_plain(spec: dict[str, Any]) -> dict[str, Any] | None:
    """Return the normalized JSON of a spec of columns, functions, an order and a limit.

    Returns None if it has more, or if anything in it may be wrong: then
    `shared.aggregation.json_reader` says what that is.
    """
    if not _is_plain(spec):
        return None
    from shared.aggregation.check import check  # not needed by a run without a spec

    aggregation = aggregation_of_json(spec)
    try:
        check(aggregation)
    except InvalidInput:
        return None
    return aggregation_json(aggregation)


def _is_plain(spec: dict[str, Any]) -> bool:
    lists = [spec.get(key, []) for key in ("group_by", "aggregates", "order_by")]
    groups, aggregates, order = lists
    return (
        spec.keys() <= _KEYS
        and any(lists[:2])
        and all(len(each) <= MOST_ITEMS for each in lists)
        and all(each.keys() == {"column"} and _is_column(each["column"]) for each in groups)
        and all(map(_is_plain_aggregate, aggregates))
        and all(_is_name(each["column"]) for each in order)
        and 0 < spec.get("limit", 1) <= MOST_ROWS
    )


def _is_plain_aggregate(aggregate: dict[str, Any]) -> bool:
    function = FUNCTIONS.get(aggregate.get("function", ""))
    if function is None or function.parameter or function.needs_where or not function.reads_rows:
        return False
    if aggregate.keys() == {"function"}:
        return not function.needs_column
    return aggregate.keys() == {"function", "column"} and _is_column(aggregate["column"])


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and name.isprintable() and 0 < len(name) <= LONGEST_NAME


def _is_column(column: Any) -> bool:
    if type(column) is int:
        return 0 < column <= LARGEST_NUMBER
    return _is_name(column) and not column.startswith("@")
