from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.aggregation.json_codec import decode_aggregation, encode_aggregation
from shared.aggregation.json_reader import MAX_LENGTH, json_schema, parse_aggregation
from shared.aggregation.spec import (
    SONG_PLAYS,
    Aggregate,
    Aggregation,
    Condition,
    GroupColumn,
    Junction,
    OrderColumn,
)
from shared.csv.dialect import Input, NumberStyle
from shared.errors import InvalidInput


def refusal(text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        parse_aggregation(text, "spec")
    return refused.value


def grouped(**more: Any) -> str:
    return json.dumps({"group_by": ["a"], **more})


@pytest.mark.parametrize("name", ["big5-hkscs", "Big5_HKSCS", "eucjp-ms", "CP51932"])
def test_an_encoding_that_is_known_but_not_read_is_refused_with_what_to_do(name: str) -> None:
    error = refusal(grouped(input={"encoding": name}))
    assert error.field == "spec.input.encoding"
    assert "is not read: save the file as UTF-8, and set utf-8" in str(error)


def test_every_part_of_an_aggregation_is_read() -> None:
    text = """{
        "group_by": ["Song", 2, {"column": "At", "truncate": "week", "name": "Week"},
                     {"column": 4, "case": "lower", "trim": true}],
        "aggregates": [{"function": "sum", "column": "Plays", "type": "integer", "empty": "fail"},
                       {"function": "count"}, {"function": "min", "column": 4, "type": "date"},
                       {"function": "max", "column": 4, "name": "most"}],
        "where": {"and": [{"column": "Song", "op": "in", "value": ["a", "b"]},
                          {"or": [{"column": 2, "op": ">=", "value": 1.50},
                                  {"column": 2, "op": "is_empty"},
                                  {"column": 3, "op": "<", "value": "2020-01-01", "type": "date"}
                                 ]}]},
        "having": {"column": "most", "op": "!=", "value": 12345678901234567890123},
        "order_by": ["Song", {"column": "most", "descending": true}],
        "limit": 10,
        "output": "jsonl"
    }"""

    assert parse_aggregation(text, "spec") == Aggregation(
        group_by=(
            GroupColumn("Song"),
            GroupColumn(2),
            GroupColumn("At", "Week", truncate="week"),
            GroupColumn(4, case="lower", trim=True),
        ),
        aggregates=(
            Aggregate("sum", "Plays", kind="integer", strict=True),
            Aggregate("count"),
            Aggregate("min", 4, kind="date"),
            Aggregate("max", 4, "most", kind="number"),
        ),
        where=Junction(
            "and",
            (
                Condition("Song", "in", ("a", "b")),
                Junction(
                    "or",
                    (
                        Condition(2, ">=", ("1.50",), "number"),
                        Condition(2, "is_empty"),
                        Condition(3, "<", ("2020-01-01",), "date"),
                    ),
                ),
            ),
        ),
        having=Condition("most", "!=", ("12345678901234567890123",), "number"),
        order_by=(OrderColumn("Song"), OrderColumn("most", descending=True)),
        limit=10,
        output="jsonl",
    )


def test_the_aggregation_of_existing_clients_can_be_declared() -> None:
    text = """{"group_by": [{"column": 1, "name": "Song"}, {"column": 2, "name": "Date"}],
               "aggregates": [{"function": "sum", "column": 3, "type": "integer", "empty": "fail",
                               "name": "Total Number of Plays for Date"}]}"""

    assert parse_aggregation(text, "spec") == SONG_PLAYS


WRONG = [
    ("{", "spec is not JSON: "),
    ("[]", "spec is []; send an object"),
    ("{}", "spec is {}; send group_by, aggregates, or both"),
    ('{"a": NaN}', "spec is not JSON: NaN is not a JSON value"),
    (
        json.dumps(
            {
                "aggregates": [{"function": "count", "name": f"n{n}"} for n in range(101)],
                "where": {"and": [{"column": 1, "op": "is_empty"}] * 100},
            }
        ),
        "spec.aggregates has 101 items, and the spec 100 conditions; send fewer of either: ",
    ),
    ("[" * 100 + "]" * 100, "spec is nested deeper than 32"),
    ("[" * 60_000, "spec is not JSON: "),
    (" " * (MAX_LENGTH + 1), "spec is longer than 65536 bytes"),
    ('{"groupby": ["a"]}', "spec.groupby is not a known key; did you mean group_by?"),
    (grouped(sql="SELECT"), "spec.sql is not a known key; send group_by, aggregates, where"),
    ('{"group_by": "a"}', "spec.group_by is 'a'; send a list"),
    ('{"group_by": ["a", 0]}', "spec.group_by[1].column is 0; send a column's name, or its"),
    ('{"group_by": [true]}', "spec.group_by[0].column is True; send a column's name"),
    ('{"group_by": [{"name": "x"}]}', "spec.group_by[0].column is missing"),
    (
        '{"group_by": [{"column": 1, "truncate": "minute"}]}',
        "spec.group_by[0].truncate is 'minute'; send 'hour', 'day', 'week', 'month', 'quarter' or",
    ),
    (
        '{"group_by": [{"column": 1, "truncate": "day", "case": "upper"}]}',
        "spec.group_by[0] is {'column': 1, 'truncate': 'day', 'case': 'upper'}; send truncate",
    ),
    ('{"group_by": ["\\ud800"]}', "spec has half of a surrogate pair"),
    (
        grouped(aggregates=[{"function": "percentile", "column": 1, "p": 100.5}]),
        "spec.aggregates[0].p is 100.5; send a number from 0 to 100 with up to 6 decimals",
    ),
    (
        grouped(aggregates=[{"function": "percentile", "column": 1, "p": 0.0000001}]),
        "spec.aggregates[0].p is 1E-7; send a number from 0 to 100 with up to 6 decimals",
    ),
    (
        grouped(aggregates=[{"function": "percentile", "column": 1}]),
        "spec.aggregates[0] is {'function': 'percentile', 'column': 1}; send p for percentile",
    ),
    (
        grouped(aggregates=[{"function": "sum", "column": 1, "p": 5}]),
        "spec.aggregates[0] is {'function': 'sum', 'column': 1, 'p': 5}; send p only with",
    ),
    (
        grouped(aggregates=[{"function": "count_if"}]),
        "spec.aggregates[0] is {'function': 'count_if'}; send where for count_if",
    ),
    (
        grouped(aggregates=[{"function": "first", "column": {"add": [1, 2]}}]),
        "spec.aggregates[0] is {'function': 'first', 'column': {'add': [1, 2]}}; send a column: f",
    ),
    (
        grouped(aggregates=[{"function": "sum", "column": {"add": [1, 2, 3]}}]),
        "spec.aggregates[0].column.add is [1, 2, 3]; send 2 of them or fewer",
    ),
    (
        grouped(aggregates=[{"function": "sum", "column": {"add": [1, 2], "multiply": [1, 2]}}]),
        "spec.aggregates[0].column is {'add': [1, 2], 'multiply': [1, 2]}; send one of add,",
    ),
    (
        grouped(aggregates=[{"function": "sum", "column": {"divide": [1, 2]}}]),
        "spec.aggregates[0].column.divide is not a known key; send add, subtract, multiply",
    ),
    (
        grouped(aggregates=[{"function": "ratio", "of": ["x", "count"]}, {"function": "count"}]),
        "spec.aggregates[0].of[0] is 'x': no output column has this name",
    ),
    (
        grouped(aggregates=[{"function": "ratio", "of": ["a", "count"]}, {"function": "count"}]),
        "spec.aggregates[0].of[0] is 'a': it is a group column; send the name of an aggregate",
    ),
    (
        grouped(
            aggregates=[
                {"function": "count"},
                {"function": "ratio", "of": ["count", "count"], "name": "r"},
                {"function": "ratio", "of": ["r", "count"]},
            ]
        ),
        "spec.aggregates[2].of[0] is 'r': it is a ratio; send the name of another aggregate",
    ),
    (
        grouped(
            aggregates=[
                {"function": "first", "column": 1, "name": "f"},
                {"function": "ratio", "of": ["f", "f"]},
            ]
        ),
        "spec.aggregates[1].of[0] is 'f': the column contains text, not numbers",
    ),
    (
        '{"group_by": [{"column": 1, "part": "day", "match": "a"}]}',
        "spec.group_by[0] is {'column': 1, 'part': 'day', 'match': 'a'}; send one of part, match",
    ),
    (
        '{"group_by": [{"column": 1, "substring": [0, 1]}]}',
        "spec.group_by[0].substring[0] is 0; send 1 or more",
    ),
    (
        '{"group_by": [{"column": 1, "match": "(a{,2}"}]}',
        "spec.group_by[0].match is '(a{,2}'; at character 3: a { that is not a repetition",
    ),
    (
        grouped(aggregates=[{"function": "total", "column": 1}]),
        "spec.aggregates[0].function is 'total'; send 'sum', 'count', ",
    ),
    (
        grouped(aggregates=[{"function": "sum"}]),
        "spec.aggregates[0] is {'function': 'sum'}; send the column for sum",
    ),
    (
        grouped(aggregates=[{"function": "sum", "column": 1, "type": "text"}]),
        (
            "spec.aggregates[0] is {'function': 'sum', 'column': 1, 'type': 'text'}; "
            "send no type for sum, or one of number, integer"
        ),
    ),
    (
        grouped(where={"column": 1, "op": "LIKE", "value": "a"}),
        "spec.where.op is 'LIKE'; send '=', '!=', ",
    ),
    (grouped(where={"and": []}), "spec.where.and is []; send at least 1 of them"),
    (grouped(where={"and": [], "or": []}), "spec.where.or is not a known key"),
    (
        grouped(where={"or": [{"column": 1, "op": "in", "value": "a"}]}),
        "spec.where.or[0] is {'column': 1, 'op': 'in', 'value': 'a'}; send a list of values",
    ),
    (
        grouped(where={"column": 1, "op": "in", "value": ["a", 1]}),
        "spec.where is {'column': 1, 'op': 'in', 'value': ['a', 1]}; send numbers or strings",
    ),
    (
        grouped(where={"column": 1, "op": "=", "value": True}),
        "spec.where.value is True; send a string or a number",
    ),
    (
        grouped(where={"column": 1, "op": "contains", "value": 1}),
        "spec.where is {'column': 1, 'op': 'contains', 'value': 1}; send a string as value",
    ),
    (
        grouped(where={"column": 1, "op": "=", "value": "1,5", "type": "number"}),
        "spec.where is {'column': 1, 'op': '=', 'value': '1,5', 'type': 'number'}; send a number",
    ),
    (
        grouped(where={"column": 1, "op": "=", "value": 5, "type": "text"}),
        (
            "spec.where is {'column': 1, 'op': '=', 'value': 5, 'type': 'text'}; send value "
            "as a string"
        ),
    ),
    (grouped(limit=0), "spec.limit is 0; send 1 or more"),
    (grouped(limit="5"), "spec.limit is '5'; send a whole number"),
    (
        grouped(output="xls"),
        "spec.output is 'xls'; send 'csv', 'csv.gz', 'csv.zst', 'jsonl', 'parquet' or 'xlsx'",
    ),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_an_error_names_the_path_and_what_to_send(text: str, message: str) -> None:
    assert str(refusal(text)).startswith(message)


def test_the_refusal_names_the_field_by_its_path() -> None:
    assert refusal(grouped(limit=0)).field == "spec.limit"


def test_there_is_a_json_schema() -> None:
    schema = json_schema()

    assert set(schema["properties"]) == {
        *("group_by", "aggregates", "where", "having", "order_by", "limit", "output"),
        *("input", "on_warning", "output_options"),
    }
    assert schema["additionalProperties"] is False


def test_input_options_are_read_under_all_their_names() -> None:
    text = """{"group_by": [1], "input": {"delimiter": "tab", "quote": "none", "escape": null,
        "header": false, "line_end": "CRLF", "encoding": "CP1252", "compression": "gz",
        "decimal": ",", "thousands": ".", "on_bad_row": "skip"}}"""

    assert parse_aggregation(text, "aggregation").input == Input(
        delimiter="\t",
        quote="",
        header=False,
        line_end="lf",
        encoding="windows-1252",
        compression="gzip",
        decimal=",",
        thousands=".",
        on_bad_row="skip",
    )
    written = '{"group_by": [1], "input": {"delimiter": "%s", "encoding": "%s", "quote": "%s"}}'
    for delimiter, encoding, quote in [("→", "UTF-16LE", "double"), (";", "ISO-8859-1", "'")]:
        read = parse_aggregation(written % (delimiter, encoding, quote), "aggregation").input
        assert read.delimiter == delimiter
        assert read.encoding in ("utf-16-le", "latin-1")
        assert read.quote in ('"', "'")


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("IBM852", "cp852"),
        ("cp874", "windows-874"),
        ("KZ1048", "kz-1048"),
        ("TIS620", "tis-620"),
        ("cp-1252", "windows-1252"),
        ("Windows 1252", "windows-1252"),
        ("latin5", "iso-8859-9"),
        ("l2", "iso-8859-2"),
    ],
)
def test_encodings_are_read_under_their_names_elsewhere(name: str, encoding: str) -> None:
    text = json.dumps({"group_by": [1], "input": {"encoding": name}})
    assert parse_aggregation(text, "aggregation").input.encoding == encoding


def test_the_notation_of_numbers_dates_and_missing_values_is_read() -> None:
    text = """{"group_by": [1], "input": {"null": ["NA", "-"], "date": "epoch",
        "number": {"currency": true, "percent": false, "parentheses": "negative"}}}"""

    read = parse_aggregation(text, "aggregation")

    assert read.input == Input(
        null=("NA", "-"), number=NumberStyle(currency=True, parentheses="negative"), date="epoch"
    )
    assert decode_aggregation(encode_aggregation(read)) == read


@pytest.mark.parametrize("part", ["where", "having"])
@pytest.mark.parametrize(
    ("form", "value", "hint"),
    [
        ("iso", "2020-01-01T00:00Z", "send a date without a time zone, such as 2020-01-31"),
        ("%d/%m/%Y", "2020-01-01T00:00Z", "send a date without a time zone, such as 2020-01-31"),
        ("iso_zoned", "2020-01-01", "send a date with a time zone, such as 2020-01-31T23:59:59Z"),
        ("epoch", "2020-01-01T00:00", "send a date with a time zone, such as 2020-01-31T23:59"),
    ],
)
def test_dates_have_a_zone_if_those_of_the_file_have_one(
    part: str, form: str, value: str, hint: str
) -> None:
    condition = {"column": "d", "op": "<", "value": value, "type": "date"}
    aggregate = {"function": "max", "column": "d", "type": "date", "name": "d"}
    spec = {"aggregates": [aggregate], part: condition, "input": {"date": form}}

    with pytest.raises(InvalidInput) as refusal:
        parse_aggregation(json.dumps(spec), "aggregation")

    assert str(refusal.value).startswith(f"aggregation.{part}.value is {value!r}: {hint}")


def test_a_spec_with_input_only_has_the_default_aggregation() -> None:
    read = parse_aggregation('{"input": {"delimiter": ";"}}', "aggregation")

    assert read == replace(SONG_PLAYS, input=Input(delimiter=";"))
    for nothing in ('{"input": {}}', '{"input": null}'):
        assert parse_aggregation(nothing, "aggregation") == SONG_PLAYS


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ('{"delimiter": "ab"}', "input.delimiter is 'ab'; send one character that is neither a"),
        ('{"delimiter": "\\n"}', "input.delimiter is '\\n'; send one character"),
        ('{"quote": "x"}', "input.quote is 'x'; send '\"', \"'\" or ''"),
        (
            '{"encoding": "utf-16"}',
            "input.encoding is 'utf-16'; did you mean 'utf-16-le' or 'utf-16-be'?",
        ),
        ('{"encoding": "wndows-1252"}', "did you mean 'windows-1252' or 'windows-1258'?"),
        ('{"encoding": "rot13"}', "send 'utf-8', 'utf-16-le', 'utf-16-be', 'latin-1', 'windows-1"),
        ('{"header": "no"}', "input.header is 'no'; send true or false"),
        ('{"on_bad_row": "ignore"}', "input.on_bad_row is 'ignore'; send 'fail' or 'skip'"),
        ('{"delimeter": ";"}', "input.delimeter is not a known key; did you mean delimiter?"),
        ('{"thousands": "."}', "send another thousands, or ',' as decimal: both are '.'"),
        ('{"decimal": ",", "thousands": ","}', "send another thousands, or '.' as decimal"),
        ('{"null": [""]}', "input.null[0] is ''; send at least 1 character"),
        ('{"null": "NA"}', "input.null is 'NA'; send a list"),
        ('{"number": {"percents": true}}', "input.number.percents is not a known key; did you m"),
        ('{"number": {"parentheses": true}}', "input.number.parentheses is True; send 'text' or"),
        ('{"date": "%d/%m"}', "input.date is '%d/%m'; send one year: %Y or %y"),
        ('{"quote": "none", "escape": "\\\\"}', "send no escape with quote none"),
        ('{"delimiter": "\\\\", "escape": "backslash"}', "send another delimiter, or another esc"),
    ],
)
def test_invalid_input_options_are_refused(declared: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_aggregation(f'{{"group_by": [1], "input": {declared}}}', "aggregation")
    assert message in str(refusal.value)
