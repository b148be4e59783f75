"""Conditions of the command line mean what they say, or are refused."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvmill.commands.conditions import condition
from csvmill.commands.words import GrammarError
from shared.aggregation.json_reader import read_aggregation

if TYPE_CHECKING:
    from collections.abc import Callable


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
    assert condition(text) == expected


def test_the_known_kind_of_a_column_decides_how_values_are_read() -> None:
    assert condition("Year=2020", lambda _: "text")["type"] == "text"
    assert condition("best>=x", lambda _: "date")["type"] == "date"


@pytest.mark.parametrize("value", ["9,5", "+9", "09", "many"])
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_an_ordering_of_text_without_quotes_is_refused(operator: str, value: str) -> None:
    with pytest.raises(GrammarError, match="neither a number"):
        condition(f"Plays{operator}{value}")
    written = condition(f'Plays{operator}"{value}"')
    assert written == {"column": "Plays", "op": operator, "value": value}


@pytest.mark.parametrize("text", ["Land==DE", "Land<>DE", "Land = 'DE'"])
def test_a_value_that_is_probably_a_mistake_is_refused(text: str) -> None:
    with pytest.raises(GrammarError, match=r"the value would be|neither a number"):
        condition(text)


def equals(column: str, value: str) -> dict[str, Any]:
    return {"column": column, "op": "=", "value": value, "type": "number"}


A, B, C = equals("A", "1"), equals("B", "2"), equals("C", "3")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1 or B=2", {"or": [A, B]}),
        ("A=1 AND B=2", {"and": [A, B]}),
        ("A=1 or B=2 and C=3", {"or": [A, {"and": [B, C]}]}),
        ("(A=1 or B=2) and C=3", {"and": [{"or": [A, B]}, C]}),
        ("((A=1))and(B=2)", {"and": [A, B]}),
        ("not A=1", A | {"op": "!="}),
        ("not (A=1 or not B=2)", {"and": [A | {"op": "!="}, B]}),
        ("not not A<1", A | {"op": "<"}),
        ("A not in (1, 2)", {"and": [A | {"op": "!="}, A | {"op": "!=", "value": "2"}]}),
        ("not Song contains x", {"not": {"column": "Song", "op": "contains", "value": "x"}}),
        ("Song not like Love%", {"not": {"column": "Song", "op": "starts_with", "value": "Love"}}),
        ("not not Song is_empty", {"column": "Song", "op": "is_empty"}),
        ("not (Song is_empty or A=1)", {"and": [
            {"not": {"column": "Song", "op": "is_empty"}}, A | {"op": "!="}]}),
        ("A in (1,2) or B=2", {"or": [A | {"op": "in", "value": ["1", "2"]}, B]}),
        ("A in 1, 2 and B=2", {"and": [A | {"op": "in", "value": ["1", "2"]}, B]}),
        ("A between 1 and 2 and B=2", {"and": [
            {"and": [A | {"op": ">="}, A | {"op": "<=", "value": "2"}]}, B]}),
        ("A not between 1 and 2", {"or": [A | {"op": "<"}, A | {"op": ">", "value": "2"}]}),
        ("Song like Love%", {"column": "Song", "op": "starts_with", "value": "Love"}),
        ('Song like "%of and in%"', {"column": "Song", "op": "contains", "value": "of and in"}),
        ("Song like Love", {"column": "Song", "op": "=", "value": "Love"}),
        ('Song="Now or Never" or A=1', {"or": [
            {"column": "Song", "op": "=", "value": "Now or Never"}, A]}),
        ("Name=Meier (Bonn) and A=1", {"and": [
            {"column": "Name", "op": "=", "value": "Meier (Bonn)"}, A]}),
        ("(Song is_empty or A=1)", {"or": [{"column": "Song", "op": "is_empty"}, A]}),
        ("Research and Development=1", equals("Research and Development", "1")),
        ("Song=Anderson", {"column": "Song", "op": "=", "value": "Anderson"}),
    ],
)  # fmt: skip
def test_conditions_are_combined(text: str, expected: dict[str, Any]) -> None:
    assert condition(text) == expected
    read_aggregation({"aggregates": [{"function": "count"}], "where": expected}, "spec")


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("Country", "'Country' has no operator; examples: 'Country=DE'", "Country"),
        ("Song=Rock and Roll", "'Roll' has no operator", "Roll"),
        ("A=1 or ", "'' has no operator", ""),
        ("A=1 or B", "'B' has no operator", "B"),
        ("C:word=x", "'word' is not one of number", "C:"),
        ("=x", "a column name is missing", "=x"),
        ("(A=1", "this parenthesis is not closed", "(A"),
        ("A=1)", "this parenthesis was not opened", ")"),
        ("(A=1) B=2", "'and', 'or' or the end is expected here", "B=2"),
        ("A in (1, 2", "this parenthesis is not closed", "(1"),
        ("A in (1) 2", "'and', 'or' or the end is expected here", "2"),
        ("Made in China=1", "a list of values has no operator", "=1"),
        ("A between 1", "between needs two values", ""),
        ("Song like a_c%", "like takes text%", "Song"),
        ("Song like 'H%'", "if you mean that, put it in double quotes", "Song"),
        ("A=1 and B<many", "'many' is neither a number", "B<"),
    ],
)
def test_what_is_not_understood_is_shown_by_a_caret(text: str, message: str, place: str) -> None:
    with pytest.raises(GrammarError) as refused:
        condition(text)
    reason, shown, caret = str(refused.value).split("\n")
    assert message in reason
    assert shown == f"  {text}"
    at = len(caret) - len("  ^")
    assert text[at:].startswith(place)
    assert at == (text.index(place) if place else len(text))


def test_json_that_is_not_valid_is_refused() -> None:
    with pytest.raises(GrammarError, match="invalid JSON"):
        condition("{")


def test_conditions_are_nested_as_deep_as_in_a_spec_and_no_deeper() -> None:
    assert condition("(" * 14 + "A=1" + ")" * 14) == A
    with pytest.raises(GrammarError, match="conditions are nested more than 14 deep"):
        condition("(" * 15 + "A=1" + ")" * 15)


def expressions() -> st.SearchStrategy[str]:
    """Expressions of Python over comparisons of A, B and C, which mean the same here."""
    leaves = st.builds(
        "{} {} {}".format, *map(st.sampled_from, ("ABC", ("==", "!=", "<", ">="), "012"))
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds("({} and {})".format, inner, inner),
            st.builds("{} or {}".format, inner, inner),
            st.builds("{} and {}".format, inner, inner),
            st.builds("not ({})".format, inner),
        ),
        max_leaves=8,
    )


HOLDS: dict[str, Callable[[int, int], bool]] = {
    "=": int.__eq__,
    "!=": int.__ne__,
    "<": int.__lt__,
    ">=": int.__ge__,
}


def holds(found: dict[str, Any], row: dict[str, int]) -> bool:
    if "and" in found:
        return all(holds(part, row) for part in found["and"])
    if "or" in found:
        return any(holds(part, row) for part in found["or"])
    return HOLDS[found["op"]](row[found["column"]], int(found["value"]))


@given(expressions())
def test_combined_conditions_hold_where_the_same_expression_of_python_does(text: str) -> None:
    found = condition(text.replace("==", "="))
    for values in itertools.product(range(3), repeat=3):
        row = dict(zip("ABC", values, strict=True))
        assert holds(found, row) == eval(text, {}, row)  # noqa: S307 (generated above)
