"""Plain specs are normalized as the model of all specs normalizes them; others are left to it."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from csvmill.commands.plain_spec import checked_if_plain
from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.json_codec import aggregation_json
from shared.aggregation.json_reader import read_aggregation
from shared.errors import InvalidInput

SUM = {"function": "sum", "column": "b"}
OTHERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "no groups and no values": {"group_by": [], "limit": 3},
    "a condition": {"aggregates": [SUM], "where": {"column": "a", "op": "=", "value": "1"}},
    "a part of a date": {"group_by": [{"column": "day", "truncate": "month"}]},
    "a named value": {"aggregates": [{**SUM, "name": "total"}]},
    "the column of files": {"group_by": [{"column": "@file"}], "aggregates": [SUM]},
    "position 0": {"group_by": [{"column": 0}]},
    "a truth as a position": {"group_by": [{"column": True}]},
    "an empty name": {"group_by": [{"column": ""}]},
    "a name with NUL": {"group_by": [{"column": "a\0"}]},
    "half of a surrogate pair": {"group_by": [{"column": "\ud800"}]},
    "limit 0": {"aggregates": [SUM], "limit": 0},
    "two columns of one name": {"aggregates": [SUM, SUM]},
    "an order by what is not there": {
        "aggregates": [SUM],
        "order_by": [{"column": "c", "descending": False}],
    },
    "no such function": {"aggregates": [{"function": "product", "column": "b"}]},
    "a sum of nothing": {"aggregates": [{"function": "sum"}]},
    "many groups": {"group_by": [{"column": position} for position in range(1, 30)]},
}


def valid(spec: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return aggregation_json(read_aggregation(spec, "spec"))
    except InvalidInput:
        return None


def test_plain_specs_are_normalized_as_by_the_model() -> None:
    groups: tuple[list[dict[str, Any]], ...] = (
        [],
        [{"column": "a"}],
        [{"column": 1}, {"column": "Stra\u00dfe 1"}],
    )
    orders: tuple[list[dict[str, Any]], ...] = ([], [{"column": "a", "descending": True}])
    plain = 0
    for function, group, order, column in product(FUNCTIONS, groups, orders, ("b", 3, None)):
        aggregate = {"function": function} | ({} if column is None else {"column": column})
        spec = {"group_by": group, "aggregates": [aggregate], "order_by": order, "output": "csv"}
        found = checked_if_plain(spec)
        assert found is None or found == valid(spec)
        plain += found is not None
    assert plain > 50
    assert checked_if_plain({"aggregates": [SUM], "limit": 7, "output": "jsonl"}) == {
        "aggregates": [SUM],
        "limit": 7,
        "output": "jsonl",
    }


@pytest.mark.parametrize("spec", OTHERS.values(), ids=OTHERS)
def test_what_is_not_plain_is_left_to_the_model(spec: dict[str, Any]) -> None:
    assert checked_if_plain(spec) is None
