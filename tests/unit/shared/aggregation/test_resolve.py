from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.aggregation.json_reader import read_aggregation
from shared.aggregation.resolve import Combination, Comparison, resolve
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from shared.jobs.job import Aggregation

HEADER = ["Song", "Date", "Plays", "Plays"]


def read(**fields: Any) -> Aggregation:
    return read_aggregation({"group_by": ["Song"], **fields}, "spec")


def test_columns_are_found_by_name_and_by_position() -> None:
    count = {"function": "count", "column": "Date"}
    aggregation = read_aggregation({"group_by": ["Song", 4], "aggregates": [count]}, "spec")

    query = resolve(aggregation, HEADER)

    assert (query.group_by, query.columns) == ((0, 3), (1,))
    assert query.names == ("Song", "Plays", "count(Date)")


def test_the_name_of_the_file_is_the_column_after_those_of_the_header() -> None:
    aggregation = read(group_by=["@file", "Song"], where={"column": "@file", "op": "is_empty"})

    query = resolve(aggregation, HEADER)

    assert (query.group_by, query.names) == ((4, 0), ("@file", "Song"))
    assert query.where == Comparison(4, "is_empty", (), "text")
    assert aggregation.named_columns == {"Song"}


def test_the_name_of_the_file_is_refused_if_a_column_has_it_too() -> None:
    with pytest.raises(InvalidInput, match="send the position of the column, 2, or rename"):
        resolve(read(group_by=["@file"]), ["Song", "@file"])
    assert resolve(read(group_by=[2]), ["Song", "@file"]).group_by == (1,)


def test_a_negation_is_that_of_each_condition() -> None:
    contains = {"column": "Song", "op": "contains", "value": "x"}
    less = {"column": "Date", "op": "<", "value": "2026-01-01", "type": "date"}
    text = Comparison(0, "contains", ("x",), "text")
    date = Comparison(1, "<", ("2026-01-01",), "date")

    def where(condition: dict[str, Any]) -> object:
        return resolve(read(where=condition), HEADER).where

    assert where({"not": contains}) == replace(text, negated=True)
    assert where({"not": {"not": contains}}) == text
    assert where({"not": {"and": [contains, {"or": [less, {"not": contains}]}]}}) == Combination(
        "or",
        (
            replace(text, negated=True),
            Combination("and", (replace(date, operator=">="), text)),
        ),
    )


OF_THE_HEADER = [
    ({"where": {"not": {"column": "x", "op": "is_empty"}}}, "where.not.column is 'x'"),
    ({"group_by": ["song"]}, "group_by[0].column is 'song': no column has this name; did you mean"),
    ({"group_by": ["xyz"]}, "the columns are 'Song', 'Date', 'Plays', 'Plays'"),
    ({"group_by": [5]}, "group_by[0].column is 5: the file has 4 columns"),
    ({"group_by": ["Plays"]}, "columns 3, 4 have this name; send a position"),
    ({"where": {"and": [{"column": "x", "op": "is_empty"}]}}, "where.and[0].column is 'x'"),
    ({"group_by": [3, 4]}, "group_by[1].name is 'Plays': another output column has this name"),
]


@pytest.mark.parametrize(("fields", "message"), OF_THE_HEADER)
def test_the_error_of_a_missing_column_names_it_with_a_hint(
    fields: dict[str, Any], message: str
) -> None:
    aggregation = read(**fields)

    with pytest.raises(InvalidInput) as refusal:
        resolve(aggregation, HEADER)

    assert message in str(refusal.value)


COUNT = {"function": "count", "name": "n"}
LAST = {"function": "max", "column": "Date", "type": "date", "name": "last"}
BEFORE_THE_HEADER = [
    ({"order_by": ["Sing"]}, "order_by[0].column is 'Sing': no output column has this name; did"),
    ({"order_by": ["Plays"]}, "order_by[0].column is 'Plays': no output column has this name"),
    ({"group_by": ["Song", "Song"]}, "group_by[1].name is 'Song': another output column"),
    ({"aggregates": [COUNT, COUNT]}, "aggregates[1].name is 'n': another output column"),
    (
        {"aggregates": [COUNT], "having": {"column": "n", "op": "=", "value": "3"}},
        "having.value is '3': the column contains integer; send an integer",
    ),
    (
        {"having": {"or": [{"column": "Song", "op": "=", "value": 3}]}},
        "having.or[0].value is '3': the column contains text; send text",
    ),
    (
        {"aggregates": [LAST], "having": {"column": "last", "op": "=", "value": "May"}},
        "having.value is 'May': send a date without a time zone",
    ),
    (
        {"aggregates": [LAST], "having": {"column": "last", "op": "contains", "value": "2"}},
        "having.op is 'contains': the column contains date",
    ),
]


@pytest.mark.parametrize(("fields", "message"), BEFORE_THE_HEADER)
def test_errors_that_no_header_can_fix_are_found_without_a_header(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read(**fields)

    assert str(refusal.value).startswith(f"spec.{message}")


def test_checks_that_depend_on_the_header_are_not_made_without_it() -> None:
    text = '{"group_by": [2, ""], "order_by": ["not known yet"]}'

    read_aggregation(json.loads(text), "spec")


def test_a_spec_that_fits_some_header_is_accepted() -> None:
    read_aggregation({"group_by": ["", "b"], "order_by": ["b"]}, "spec")


BY_POSITION = {"group_by": [1], "aggregates": [{"function": "sum", "column": 2, "name": "n"}]}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"having": {"column": "n", "op": "=", "value": "x"}},
            "spec.having.value is 'x': the column contains number; send a number",
        ),
        (
            {
                "having": {
                    "and": [
                        {"column": "Song", "op": "=", "value": "x"},
                        {"or": [{"column": "n", "op": "contains", "value": 1}]},
                    ]
                }
            },
            "spec.having.and[1].or[0]",
        ),
        (
            {"group_by": [1, {"column": 2, "name": "n"}]},
            "spec.aggregates[0].name is 'n': another output column has this name; send another",
        ),
    ],
)
def test_named_output_columns_are_checked_without_a_header(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_aggregation({**BY_POSITION, **fields}, "spec")
    assert message in str(refused.value)


def test_names_that_may_be_in_the_header_are_checked_with_the_header() -> None:
    having = {
        "or": [{"column": "Song", "op": "=", "value": "x"}, {"column": "n", "op": ">", "value": 1}]
    }
    fields = {**BY_POSITION, "having": having, "order_by": ["Song", "n"]}
    aggregation = read_aggregation(fields, "spec")

    query = resolve(aggregation, HEADER)

    assert query.names == ("Song", "n")
    assert [order.column for order in query.order_by] == [0, 1]
    with pytest.raises(InvalidInput, match=r"having\.or\[0\]\.column is 'Song'"):
        resolve(aggregation, ["Lied", "n2"])
    # The same position twice gives two outputs of the same name, which only the header names
    twice = read_aggregation({"group_by": [1, 1]}, "spec")
    with pytest.raises(InvalidInput, match="another output column has this name"):
        resolve(twice, HEADER)
