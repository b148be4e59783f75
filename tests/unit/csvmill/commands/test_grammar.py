"""The short syntax of the command line is parsed as docs/client.md says."""

from __future__ import annotations

from typing import Any

import pytest

from csvmill.commands import grammar
from csvmill.commands.grammar import GrammarError


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Country=DE", {"column": "Country", "op": "=", "value": "DE"}),
        ("Country != a 'b'", {"column": "Country", "op": "!=", "value": "a 'b'"}),
        ("Country=", {"column": "Country", "op": "=", "value": ""}),
        ("Plays>=10", {"column": "Plays", "op": ">=", "value": "10", "type": "number"}),
        ("Plays=0", {"column": "Plays", "op": "=", "value": "0", "type": "number"}),
        ("Plays < -1.50e3", {"column": "Plays", "op": "<", "value": "-1.50e3", "type": "number"}),
        # Not as JSON writes numbers: a code, perhaps
        ("Zip=01234", {"column": "Zip", "op": "=", "value": "01234"}),
        ('Year="2020"', {"column": "Year", "op": "=", "value": "2020"}),
        ("Year:text=2020", {"column": "Year", "op": "=", "value": "2020", "type": "text"}),
        ("Day<2021-01-01", {"column": "Day", "op": "<", "value": "2021-01-01", "type": "date"}),
        ("Day=2021-01-01", {"column": "Day", "op": "=", "value": "2021-01-01"}),
        ("C in DE,\"A,T\"", {"column": "C", "op": "in", "value": ["DE", "A,T"]}),
        ("C in 1, 2", {"column": "C", "op": "in", "value": ["1", "2"], "type": "number"}),
        ("C in 1,x", {"column": "C", "op": "in", "value": ["1", "x"]}),
        ("Song contains 7", {"column": "Song", "op": "contains", "value": "7"}),
        ("Song starts_with A, b", {"column": "Song", "op": "starts_with", "value": "A, b"}),
        ("Song is_empty", {"column": "Song", "op": "is_empty"}),
        ('"Song" is_empty', {"column": "Song", "op": "is_empty"}),
        ('"a in b">3', {"column": "a in b", "op": ">", "value": "3", "type": "number"}),
        ('@2="x"', {"column": 2, "op": "=", "value": "x"}),
        ('{"or": []}', {"or": []}),
    ],
)  # fmt: skip
def test_conditions_are_parsed(text: str, expected: dict[str, Any]) -> None:
    assert grammar.condition(text) == expected


def test_the_known_kind_of_a_column_decides_how_values_are_read() -> None:
    assert grammar.condition("Year=2020", lambda _: "text")["type"] == "text"
    assert grammar.condition("best>=x", lambda _: "date")["type"] == "date"


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
        (grammar.condition, "Country", "'Country' has no operator; examples: 'Country=DE'"),
        (grammar.condition, "C:word=x", "'word' is not one of number"),
        (grammar.condition, "=x", "a column name is missing"),
        (grammar.condition, "{", "invalid JSON"),
        (grammar.orders, "-", "the name of an output column is missing"),
        (grammar.json_object, "[]", "not a JSON object"),
    ],
)
def test_invalid_syntax_is_explained(read: Any, text: str, message: str) -> None:
    with pytest.raises(GrammarError) as refused:
        read(text)
    assert message in str(refused.value)


@pytest.mark.parametrize("value", ["9,5", "+9", "09", "4 and Land=DE", "many"])
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_an_ordering_of_text_without_quotes_is_refused(operator: str, value: str) -> None:
    with pytest.raises(GrammarError, match="neither a number"):
        grammar.condition(f"Plays{operator}{value}")
    written = grammar.condition(f'Plays{operator}"{value}"')
    assert written == {"column": "Plays", "op": operator, "value": value}


@pytest.mark.parametrize("text", ["Land==DE", "Land<>DE", "Land = 'DE'"])
def test_a_value_that_is_probably_a_mistake_is_refused(text: str) -> None:
    with pytest.raises(GrammarError, match=r"the value would be|neither a number"):
        grammar.condition(text)
