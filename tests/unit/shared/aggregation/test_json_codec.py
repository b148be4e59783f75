"""An aggregation is encoded as JSON and decoded again: in answers and in the database."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shared.aggregation.json_codec import (
    aggregation_json,
    decode_aggregation,
    encode_aggregation,
)
from shared.aggregation.json_reader import json_schema, parse_aggregation, read_aggregation
from shared.aggregation.spec import (
    SONG_PLAYS,
    Aggregate,
    Aggregation,
    Arithmetic,
    Condition,
    GroupColumn,
    Junction,
    OrderColumn,
)
from shared.csv.dialect import Input
from tests.aggregations import Case, cases

STORED = (
    '{"version": 2, "group_by": [{"column": 1, "name": "Song"}, {"column": 2, "name": "Date"}], '
    '"aggregates": [{"function": "sum", "column": 3, "name": "Total Number of Plays for Date", '
    '"type": "integer", "empty": "fail"}], "output": "csv"}'
)


@given(cases(max_rows=0), st.sampled_from([Input(), Input(";", "", header=False, decimal=",")]))
def test_a_stored_aggregation_is_read_back(case: Case, declared: Input) -> None:
    aggregation = replace(case.aggregation, input=declared)

    assert decode_aggregation(encode_aggregation(aggregation)) == aggregation


def test_the_stored_text_is_the_json_of_answers_with_a_version() -> None:
    assert encode_aggregation(SONG_PLAYS) == STORED
    assert decode_aggregation(STORED) == SONG_PLAYS
    assert json.loads(STORED) == {"version": 2, **aggregation_json(SONG_PLAYS)}


@given(cases(max_rows=0))
def test_specs_that_mean_the_same_are_stored_as_the_same_text(case: Case) -> None:
    shown = aggregation_json(case.aggregation)
    spelled_out = {
        "input": {},
        "where": None,
        "limit": None,
        **dict(reversed(shown.items())),
        "group_by": [
            {"column": each} if isinstance(each, str | int) else {"trim": False, **each}
            for each in shown.get("group_by", [])
        ],
        "aggregates": [
            {"name": None, "empty": "skip", **each} for each in shown.get("aggregates", [])
        ],
    }
    read = parse_aggregation(json.dumps(spelled_out), "spec")

    assert read == case.aggregation
    assert encode_aggregation(read) == encode_aggregation(case.aggregation)


def test_an_aggregation_of_a_newer_version_is_refused() -> None:
    text = STORED.replace('"version": 2', '"version": 3')

    with pytest.raises(ValueError, match="version 3"):
        decode_aggregation(text)


@given(cases(max_rows=0))
def test_the_json_of_answers_can_be_sent_again_and_fits_the_schema(case: Case) -> None:
    shown = json.dumps(aggregation_json(case.aggregation))

    assert parse_aggregation(shown, "spec") == case.aggregation
    assert [fault.message for fault in SCHEMA.iter_errors(json.loads(shown))] == []


def test_what_only_some_functions_have_is_stored() -> None:
    failed = Condition("Status", "=", ("failed",))
    spec = Aggregation(
        group_by=(
            GroupColumn("At", "Weekday", part="weekday"),
            GroupColumn("Code", "Country", substring=(1, 2)),
            GroupColumn("Code", "Number", match="([0-9]+)"),
        ),
        aggregates=(
            Aggregate("count_if", name="failed", where=failed),
            Aggregate("percentile", "Price", kind="number", p="99.9"),
            Aggregate("sum", Arithmetic("multiply", "Price", 3), kind="number"),
            Aggregate("avg", Arithmetic("add", 1, 2), kind="integer"),
            Aggregate("concat_distinct", "Name", kind="text", separator=""),
            Aggregate("concat_distinct", 5, "names", kind="text"),
            Aggregate("ratio", of=("failed", "p99.9(Price)")),
        ),
    )

    assert decode_aggregation(encode_aggregation(spec)) == spec
    assert aggregation_json(spec) == {
        "group_by": [
            {"column": "At", "name": "Weekday", "part": "weekday"},
            {"column": "Code", "name": "Country", "substring": [1, 2]},
            {"column": "Code", "name": "Number", "match": "([0-9]+)"},
        ],
        "aggregates": [
            {
                "function": "count_if",
                "name": "failed",
                "where": {"column": "Status", "op": "=", "value": "failed"},
            },
            {"function": "percentile", "column": "Price", "p": 99.9},
            {"function": "sum", "column": {"multiply": ["Price", 3]}},
            {"function": "avg", "column": {"add": [1, 2]}, "type": "integer"},
            {"function": "concat_distinct", "column": "Name", "separator": ""},
            {"function": "concat_distinct", "column": 5, "name": "names"},
            {"function": "ratio", "of": ["failed", "p99.9(Price)"]},
        ],
        "output": "csv",
    }
    assert parse_aggregation(json.dumps(aggregation_json(spec)), "spec") == spec


def test_keys_with_their_default_value_are_left_out() -> None:
    spec = Aggregation(
        group_by=(GroupColumn("Song"), GroupColumn(2, "Month", truncate="month")),
        aggregates=(
            Aggregate("sum", "Plays", kind="number"),
            Aggregate("min", "At", "first", kind="date", strict=True),
            Aggregate("count"),
        ),
        where=Junction(
            "and", (Condition("Plays", ">", ("0",), "number"), Condition(1, "is_empty"))
        ),
        order_by=(OrderColumn("Song"), OrderColumn("first", descending=True)),
        limit=3,
    )

    assert aggregation_json(spec) == {
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
def test_numbers_that_some_readers_of_json_would_round_are_strings(
    values: tuple[str, ...], shown: dict[str, Any]
) -> None:
    condition = Condition("n", "in", values, "number")
    where = aggregation_json(Aggregation((GroupColumn(1),), where=condition))["where"]
    assert where == {"column": "n", "op": "in", **shown}


def test_the_default_aggregation_can_be_sent_as_a_spec() -> None:
    assert parse_aggregation(json.dumps(aggregation_json(SONG_PLAYS)), "spec") == SONG_PLAYS


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


def test_a_percentage_with_decimals_is_read_from_a_normalized_spec() -> None:
    written = aggregation_json(
        Aggregation(aggregates=(Aggregate("percentile", "Price", kind="number", p="99.9"),))
    )
    assert read_aggregation(written, "spec").aggregates[0].p == "99.9"
