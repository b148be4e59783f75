"""The short syntax of the command line is parsed as docs/client.md says."""

from __future__ import annotations

from typing import Any

import pytest

from csvmill.commands import grammar
from csvmill.commands.words import GrammarError, json_object


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Song", [{"column": "Song"}]),
        ("Song, Date:week", [{"column": "Song"}, {"column": "Date", "truncate": "week"}]),
        ("Month=Date:month", [{"column": "Date", "name": "Month", "truncate": "month"}]),
        ("@3:upper:trim", [{"column": 3, "case": "upper", "trim": True}]),
        ('"Last, first"', [{"column": "Last, first"}]),
        ('"a=b"="c:d":lower', [{"column": "c:d", "name": "a=b", "case": "lower"}]),
        ('"@3",""""', [{"column": "@3"}, {"column": '"'}]),
        ('5" disk', [{"column": '5" disk'}]),
    ],
)
def test_group_by_items_are_parsed(text: str, expected: list[dict[str, Any]]) -> None:
    assert grammar.group_columns(text) == expected


def test_an_item_of_a_function_may_have_a_name_and_a_type_that_it_reads() -> None:
    assert grammar.aggregates("max", "last=Date:date,Plays") == [
        {"function": "max", "column": "Date", "name": "last", "type": "date"},
        {"function": "max", "column": "Plays"},
    ]
    with pytest.raises(GrammarError, match="'date' is not one of number, integer"):
        grammar.aggregates("sum", "Plays:date")


def test_order_by_columns_are_parsed() -> None:
    assert grammar.orders('-Plays,Song, -"a,b",-"-c"') == [
        ("Plays", True),
        ("Song", False),
        ("a,b", True),
        ("-c", True),
    ]


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (grammar.group_columns, "", "a column name is missing"),
        (grammar.group_columns, "a,,b", "a column name is missing"),
        (grammar.group_columns, "@0", "'@0' is not a position; use @1, @2"),
        (grammar.group_columns, "a=b=c", "'a=b=c' has more than one ="),
        (grammar.group_columns, "=c", "no name before the ="),
        (grammar.group_columns, '"a', "has an unclosed quote"),
        (grammar.group_columns, "Time: start", "'start' is not one of hour, day, week"),
        (grammar.orders, "-", "the name of an output column is missing"),
        (json_object, "[]", "not a JSON object"),
    ],
)
def test_invalid_syntax_is_explained(read: Any, text: str, message: str) -> None:
    with pytest.raises(GrammarError) as refused:
        read(text)
    assert message in str(refused.value)
