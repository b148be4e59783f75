"""Aggregations stored by older versions are still read. The texts are what those versions wrote."""

from __future__ import annotations

from shared.aggregation.json_codec import decode_aggregation
from shared.aggregation.spec import (
    SONG_PLAYS,
    Aggregate,
    Aggregation,
    Condition,
    GroupColumn,
    Junction,
    OrderColumn,
)
from shared.csv.dialect import Input

UNVERSIONED = (
    '{"group_by": [0, 1], "sum_of": 2, '
    '"header": ["Song", "Date", "Total Number of Plays for Date"]}'
)

DEFAULT = (
    '{"version": 1, "group_by": [{"column": 1, "name": "Song", "truncate": null, "case": null, '
    '"trim": false}, {"column": 2, "name": "Date", "truncate": null, "case": null, "trim": false}],'
    ' "aggregates": [{"function": "sum", "column": 3, "name": "Total Number of Plays for Date", '
    '"kind": "integer", "strict": true}], "where": null, "having": null, "order_by": [], '
    '"limit": null, "output": "csv"}'
)

FULL = (
    '{"version": 1, "group_by": [{"column": "Song", "name": null, "truncate": null, "case": null, '
    '"trim": false}, {"column": 2, "name": "Month", "truncate": "month", "case": null, '
    '"trim": false}, {"column": "Land", "name": null, "truncate": null, "case": "upper", '
    '"trim": true}], "aggregates": [{"function": "sum", "column": "Plays", "name": null, '
    '"kind": "number", "strict": false}, {"function": "min", "column": "At", "name": "first at", '
    '"kind": "date", "strict": true}, {"function": "count", "column": null, "name": null, '
    '"kind": null, "strict": false}], "where": {"operator": "and", "parts": [{"column": "Plays", '
    '"operator": ">", "values": ["1.50"], "kind": "number"}, {"operator": "or", "parts": '
    '[{"column": 1, "operator": "is_empty", "values": [], "kind": "text"}, {"column": "Land", '
    '"operator": "in", "values": ["DE", "AT"], "kind": "text"}]}]}, "having": {"column": "count", '
    '"operator": ">=", "values": ["10"], "kind": "number"}, "order_by": [{"column": "Song", '
    '"descending": false}, {"column": "count", "descending": true}], "limit": 3, '
    '"output": "jsonl", "input": {"delimiter": ";", "quote": "", "escape": null, "header": false, '
    '"line_end": null, "encoding": null, "compression": null, "decimal": ",", "thousands": "", '
    '"on_bad_row": "skip"}}'
)


def test_a_text_without_a_version_is_read() -> None:
    assert decode_aggregation(UNVERSIONED) == SONG_PLAYS


def test_version_1_without_input_is_read() -> None:
    assert decode_aggregation(DEFAULT) == SONG_PLAYS


def test_version_1_with_every_key_is_read() -> None:
    assert decode_aggregation(FULL) == Aggregation(
        group_by=(
            GroupColumn("Song"),
            GroupColumn(2, "Month", truncate="month"),
            GroupColumn("Land", case="upper", trim=True),
        ),
        aggregates=(
            Aggregate("sum", "Plays", kind="number"),
            Aggregate("min", "At", "first at", kind="date", strict=True),
            Aggregate("count"),
        ),
        where=Junction(
            "and",
            (
                Condition("Plays", ">", ("1.50",), "number"),
                Junction("or", (Condition(1, "is_empty"), Condition("Land", "in", ("DE", "AT")))),
            ),
        ),
        having=Condition("count", ">=", ("10",), "number"),
        order_by=(OrderColumn("Song"), OrderColumn("count", descending=True)),
        limit=3,
        output="jsonl",
        input=Input(";", "", header=False, decimal=",", on_bad_row="skip"),
    )
