"""What a job computes, in a line."""

from __future__ import annotations

from typing import Any

import pytest

from csvmill.commands.spec_text import describe_spec


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"aggregates": [{"function": "count"}], "output": "csv"}, "count"),
        (
            {
                "group_by": ["Song", {"column": "Date", "truncate": "month", "name": "Month"}],
                "aggregates": [
                    {"function": "sum", "column": 3, "name": "Total"},
                    {"function": "percentile", "column": "Price", "p": 95},
                ],
            },
            "sum(@3) as Total, percentile(Price, 95) by Song, Date:month as Month",
        ),
        ({"group_by": [{"column": "Song", "trim": True}]}, "values by Song:trim"),
        (
            {
                "aggregates": [{"function": "count"}],
                "where": {"not": {"column": "Song", "op": "is_empty"}},
            },
            "count where not Song is_empty",
        ),
        (
            {
                "aggregates": [
                    {"function": "sum", "column": {"multiply": ["Price", "Quantity"]}},
                    {"function": "ratio", "of": ["a", "b"]},
                    {"function": "count_if", "where": {"column": "A", "op": "is_empty"}},
                ]
            },
            "sum(multiply(Price, Quantity)), ratio(a/b), count_if(A is_empty)",
        ),
        (
            {
                "aggregates": [{"function": "count"}],
                "where": {
                    "and": [
                        {"column": "Country", "op": "in", "value": ["DE", "AT"]},
                        {"or": [
                            {"column": "Plays", "op": ">", "value": 1},
                            {"column": "Plays", "op": "is_empty"},
                        ]},
                    ]
                },
                "order_by": [{"column": "count", "descending": True}],
                "limit": 1000,
            },
            ("count where Country in (DE, AT) and (Plays > 1 or Plays is_empty) "
            "ordered by count descending, at most 1,000 rows"),
        ),
    ],
)  # fmt: skip
def test_a_spec_is_described_in_a_line(spec: dict[str, Any], text: str) -> None:
    assert describe_spec(spec) == text
