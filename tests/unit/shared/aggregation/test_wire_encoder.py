"""An aggregation is shown as the JSON that means it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from shared.aggregation.spec import (
    SONG_PLAYS,
    Aggregate,
    Aggregation,
    Condition,
    GroupColumn,
    Junction,
    Order,
)
from shared.aggregation.wire import json_schema, parse_aggregation
from shared.aggregation.wire_encoder import wire_json
from tests.aggregations import Case, cases


@given(cases(max_rows=0))
def test_what_is_shown_can_be_sent_again_and_fits_the_schema(case: Case) -> None:
    shown = json.dumps(wire_json(case.aggregation))

    assert parse_aggregation(shown, "spec") == case.aggregation
    assert [fault.message for fault in SCHEMA.iter_errors(json.loads(shown))] == []


def test_only_what_says_something_is_shown() -> None:
    asked = Aggregation(
        group_by=(GroupColumn("Song"), GroupColumn(2, "Month", truncate="month")),
        aggregates=(
            Aggregate("sum", "Plays", kind="number"),
            Aggregate("min", "At", "first", kind="date", strict=True),
            Aggregate("count"),
        ),
        where=Junction(
            "and", (Condition("Plays", ">", ("0",), "number"), Condition(1, "is_empty"))
        ),
        order_by=(Order("Song"), Order("first", descending=True)),
        limit=3,
    )

    assert wire_json(asked) == {
        "group_by": ["Song", {"column": 2, "name": "Month", "truncate": "month"}],
        "aggregates": [
            {"function": "sum", "column": "Plays"},
            {"function": "min", "column": "At", "name": "first", "type": "date", "empty": "fail"},
            {"function": "count"},
        ],
        "where": {
            "and": [{"column": "Plays", "op": ">", "value": 0}, {"column": 1, "op": "is_empty"}]
        },
        "order_by": ["Song", {"column": "first", "descending": True}],
        "limit": 3,
        "output": "csv",
    }


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (("1", "20"), {"value": [1, 20]}),
        (("-5", "0"), {"value": [-5, 0]}),
        (("1.50",), {"value": ["1.50"], "type": "number"}),
        (("1", "1.0"), {"value": ["1", "1.0"], "type": "number"}),
        (("007",), {"value": ["007"], "type": "number"}),
        (("-0",), {"value": ["-0"], "type": "number"}),
        (("9007199254740993",), {"value": ["9007199254740993"], "type": "number"}),
    ],
)
def test_a_number_is_shown_so_that_every_reader_keeps_it(
    values: tuple[str, ...], shown: dict[str, Any]
) -> None:
    condition = Condition("n", "in", values, "number")
    where = wire_json(Aggregation((GroupColumn(1),), where=condition))["where"]
    assert where == {"column": "n", "op": "in", **shown}


def test_what_is_computed_unasked_can_be_asked_for() -> None:
    assert parse_aggregation(json.dumps(wire_json(SONG_PLAYS)), "spec") == SONG_PLAYS


SCHEMA = Draft202012Validator(json_schema())


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"output": "csv"},
        {"group_by": []},
        {"group_by": [0]},
        {"group_by": [True]},
        {"group_by": [None]},
        {"group_by": [[]]},
        {"group_by": ["a"], "order_by": [1]},
        {"group_by": ["a"], "where": {"column": "a"}},
        {"group_by": ["a"], "where": {"and": []}},
        {"aggregates": ["sum"]},
        {"aggregates": [{"function": "count", "column": 0}]},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(spec: dict[str, Any]) -> None:
    assert not SCHEMA.is_valid(spec)
