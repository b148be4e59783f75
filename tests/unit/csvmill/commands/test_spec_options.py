"""Options of the spec, as a command receives them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from csvmill.commands.spec_options import GRAMMAR, SpecCommand, spec_options
from shared.aggregation.json_codec import aggregation_json
from shared.aggregation.json_reader import parse_aggregation
from shared.aggregation.spec import SONG_PLAYS


@click.command(cls=SpecCommand)
@click.argument("file", default="plays.csv")
@spec_options
def command(file: str, aggregation: dict[str, Any] | None) -> None:
    """Print the arguments."""
    click.echo(json.dumps([file, aggregation]))


def spec_of(*arguments: str, stdin: str | None = None) -> Any:
    done = CliRunner().invoke(command, arguments, input=stdin)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)[1]


def refusal(*arguments: str) -> str:
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 2
    return done.output


def test_the_common_options_give_a_spec() -> None:
    found = spec_of(
        "--group-by", "Song", "--sum", "Plays", "--where", "Country=DE", "--order-by", "-Plays",
        "--limit", "10", "--format", "jsonl",
    )  # fmt: skip
    assert found == {
        "group_by": ["Song"],
        "aggregates": [{"function": "sum", "column": "Plays"}],
        "where": {"column": "Country", "op": "=", "value": "DE"},
        "order_by": [{"column": "sum(Plays)", "descending": True}],
        "limit": 10,
        "output": "jsonl",
    }


def test_without_options_there_is_no_spec() -> None:
    assert spec_of() is None
    assert spec_of("x.csv") is None


def test_output_columns_have_the_order_of_the_options() -> None:
    found = spec_of("--max", "a", "--count", "--sum", "b,c", "--max", "n=d", "--count-of", "e")
    functions = [(each["function"], each.get("column")) for each in found["aggregates"]]
    assert functions == [
        ("max", "a"), ("count", None), ("sum", "b"), ("sum", "c"), ("max", "d"), ("count", "e"),
    ]  # fmt: skip


def test_functions_of_more_than_a_column_have_their_own_items() -> None:
    found = spec_of(
        "--group-by", "Date:weekday", "--sum", "n=Price*@3,a*b:integer",
        "--percentile", "Price:99.9",
        "--count", "--count-if", "Status=failed", "--sum-if", "Plays if Country in DE,AT",
        "--ratio", '"count_if(Status=failed)"/count', "--stddev", '"a*b"',
        "--ratio", '"x"=n/"sum_if(Plays if Country in DE,AT)"',
    )  # fmt: skip
    assert found["group_by"] == [{"column": "Date", "part": "weekday"}]
    failed = {"column": "Status", "op": "=", "value": "failed"}
    local = {"column": "Country", "op": "in", "value": ["DE", "AT"]}
    assert found["aggregates"] == [
        {"function": "sum", "column": {"multiply": ["Price", 3]}, "name": "n"},
        {"function": "sum", "column": {"multiply": ["a", "b"]}, "type": "integer"},
        {"function": "percentile", "column": "Price", "p": 99.9},
        {"function": "count"},
        {"function": "count_if", "name": "count_if(Status=failed)", "where": failed},
        {
            "function": "sum_if",
            "column": "Plays",
            "name": "sum_if(Plays if Country in DE,AT)",
            "where": local,
        },
        {"function": "ratio", "of": ["count_if(Status=failed)", "count"]},
        {"function": "stddev", "column": "a*b"},
        {"function": "ratio", "of": ["n", "sum_if(Plays if Country in DE,AT)"], "name": "x"},
    ]


def test_several_conditions_must_all_hold() -> None:
    assert spec_of(
        "--count", "--where", "a=x", "--where", '{"column": "n", "op": "<", "value": 0.1}'
    )["where"] == {
        "and": [
            {"column": "a", "op": "=", "value": "x"},
            {"column": "n", "op": "<", "value": "0.1", "type": "number"},
        ]
    }


def test_having_and_order_by_accept_the_input_column() -> None:
    found = spec_of(
        "--group-by", "Year,At:month", "--sum", "Plays", "--having", "Plays>=1000",
        "--having", "Year=2020", "--order-by", "At,sum(Plays)",
    )  # fmt: skip
    assert found["having"]["and"] == [
        {"column": "sum(Plays)", "op": ">=", "value": 1000},
        {"column": "Year", "op": "=", "value": "2020"},
    ]
    assert found["order_by"] == ["At", "sum(Plays)"]


def test_having_may_negate_a_condition_of_an_input_column() -> None:
    found = spec_of(
        "--group-by", "Song", "--mode", "Genre", "--having", "not Genre contains pop",
    )  # fmt: skip
    assert found["having"] == {"not": {"column": "mode(Genre)", "op": "contains", "value": "pop"}}


def test_options_without_functions_refine_the_default_spec() -> None:
    default = aggregation_json(SONG_PLAYS)
    assert spec_of("--format", "jsonl", "--limit", "3") == {
        **default,
        "output": "jsonl",
        "limit": 3,
    }


def test_the_dialect_of_the_file_can_be_declared() -> None:
    found = spec_of(
        "--sum", "a", "--delimiter", "Tab", "--quote", "none", "--encoding", "latin1",
        "--no-header", "--decimal", ",", "--thousands", ".", "--on-bad-row", "skip",
    )  # fmt: skip
    assert found["input"] == {
        "delimiter": "\t", "quote": "", "encoding": "latin-1", "header": False,
        "decimal": ",", "thousands": ".", "on_bad_row": "skip",
    }  # fmt: skip
    found = spec_of("--count", "--header", "--line-end", "CR", "--compression", "gz")
    assert found["input"] == {"header": True, "line_end": "cr", "compression": "gzip"}
    assert spec_of("--no-header")["input"] == {"header": False}
    assert "'--compression': 'rar'; send" in refusal("--compression", "rar")
    assert "'--line-end': 'x'; send" in refusal("--line-end", "x")
    assert spec_of("--delimiter", ";") == {
        **aggregation_json(SONG_PLAYS), "output": "csv", "input": {"delimiter": ";"},
    }  # fmt: skip
    assert "'--encoding': 'x'; send" in refusal("--encoding", "x")
    found = spec_of("--count", "--compression", "xlsx", "--sheet", "Plays 2026")
    assert found["input"] == {"compression": "xlsx", "sheet": "Plays 2026"}
    assert spec_of("--count", "--sheet", "2")["input"] == {"sheet": 2}


def test_the_notation_of_the_file_can_be_declared() -> None:
    found = spec_of(
        "--sum", "a", "--null", "NA", "--null", "-", "--currency", "--percent",
        "--parentheses", "negative", "--date", "%d/%m/%Y",
    )  # fmt: skip
    assert found["input"] == {
        "null": ["NA", "-"],
        "number": {"currency": True, "percent": True, "parentheses": "negative"},
        "date": "%d/%m/%Y",
    }
    assert spec_of("--sum", "a", "--percent")["input"] == {"number": {"percent": True}}
    assert "'--date': '%d'; send" in refusal("--date", "%d")
    assert "'--null': ''" in refusal("--null", "x", "--null", "")


def test_a_spec_is_a_file_or_standard_input_or_the_json_itself(tmp_path: Path) -> None:
    spec = '{"group_by": ["a"], "where": {"column": 1, "op": ">", "value": 0.10}}'
    path = tmp_path / "spec.json"
    path.write_text(spec)
    meant = aggregation_json(parse_aggregation(spec, "spec"))
    assert spec_of("--spec", str(path)) == spec_of("--spec", spec) == meant
    assert spec_of("--spec", "-", stdin=spec) == meant


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--group-by", "a:x"], "'--group-by': 'x' is not one of hour, day"),
        (["--sum", "a", "--max", "b:x"], "'--max': 'x' is not one of number"),
        (["--group-by", "a", "--order-by", "b"], "'--order-by': 'b': no output column has"),
        (["--sum", "a", "--max", "sum(a)=b"], "'--max': 'sum(a)': another"),
        (["--sum", "a", "--where", "b:date=x"], "'--where': b = x; send a date"),
        (["--percentile", "a"], "'--percentile': send the percentage after the column, as in a:95"),
        (["--percentile", "a:101"], "'--percentile': 101; send a number from 0"),
        (["--sum", "a", "--ratio", "b"], "'--ratio': 'b' is not [NAME=]OUTPUT/OUTPUT"),
        (["--count", "--ratio", "a/count"], "'--ratio': 'a': no output col"),
        (["--sum-if", "a"], "'--sum-if': 'a' is not COLUMN if CONDITION"),
        (["--group-by", "a*b"], "'--group-by': rows cannot be grouped by a product"),
        (["--limit", "0", "--count"], "'--limit': 0 is not in the range x>=1"),
        (["--spec", "none.json"], "'--spec': 'none.json' cannot be read"),
        (
            ["--spec", '{"groupby": []}'],
            "'--spec': spec.groupby is not a known key; did you mean group_",
        ),
        (["--spec", "{"], "'--spec': invalid JSON"),
        (["--spec", "-", "-"], "'--spec': FILE is already standard input"),
        (["--spec", "{}", "--format", "csv"], "--format cannot be combined with --spec"),
        (["--spec", "{}", "--no-header"], "--header cannot be combined with --spec"),
        (["--spec", "{}", "--sum", "a"], "--sum cannot be combined with --spec"),
    ],
)
def test_an_error_names_the_option_at_fault(arguments: list[str], message: str) -> None:
    assert message in " ".join(refusal(*arguments).split())


def test_every_example_of_the_help_is_valid() -> None:
    examples = [line for line in GRAMMAR.splitlines() if line.startswith("  --")]
    assert len(examples) == 6
    for line in examples:
        assert spec_of(*shlex.split(line)) is not None


def test_strict_fails_the_job_for_warnings_of_any_spec() -> None:
    found = spec_of("--group-by", "Song:nfc", "--count", "--strict")
    assert found["on_warning"] == "fail"
    assert found["group_by"] == [{"column": "Song", "normalize": "nfc"}]
    assert spec_of("--strict") == {**aggregation_json(SONG_PLAYS), "on_warning": "fail"}
    assert "on_warning" not in spec_of("--group-by", "Song", "--count")
    assert "cannot be combined with --spec" in refusal("--strict", "--spec", "{}")


def test_formulas_of_csv_can_be_escaped() -> None:
    found = spec_of("--group-by", "Song", "--escape-formulas")
    assert found["output_options"] == {"escape_formulas": True}
    wanted = {**aggregation_json(SONG_PLAYS), "output_options": {"escape_formulas": True}}
    assert spec_of("--escape-formulas") == wanted
    assert "output_options" not in spec_of("--group-by", "Song")
    message = refusal("--group-by", "Song", "--escape-formulas", "--format", "parquet")
    assert "'--escape-formulas'" in message
    assert "Parquet files have no formulas" in message


def test_an_order_of_texts_that_look_like_numbers_must_be_meant() -> None:
    assert "would be compared as text" in refusal("--group-by", "n", "--count", "--having", "n>9")
    found = spec_of("--group-by", "n", "--count", "--having", 'n>"9"')
    assert found["having"] == {"column": "n", "op": ">", "value": "9"}


@click.command(cls=SpecCommand)
@click.option("-o", "--output", type=click.Path(path_type=Path))
@spec_options
def writing(output: Path, aggregation: dict[str, Any] | None) -> None:
    """Print the format of a result that is written to a file."""
    click.echo("default" if aggregation is None else aggregation["output"])


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["-o", "p.parquet"], "parquet"),
        (["-o", "p.xlsx"], "xlsx"),
        (["-o", "P.CSV.GZ"], "csv.gz"),
        (["-o", "p.csv.zst"], "csv.zst"),
        (["-o", "p.jsonl"], "jsonl"),
        (["-o", "p.ndjson", "--group-by", "Song"], "jsonl"),
        (["-o", "p.csv"], "default"),
        (["-o", "p"], "default"),
        (["-o", "-"], "default"),
        (["-o", "-", "--format", "jsonl"], "jsonl"),
        (["-o", "p.txt", "--format", "csv.gz"], "csv.gz"),
        (["-o", "p.json", "--format", "jsonl"], "jsonl"),
        (["-o", "p.parquet", "--format", "parquet"], "parquet"),
        (["-o", "p.parquet", "--spec", '{"group_by": ["Song"]}'], "parquet"),
        (["-o", "p.csv", "--spec", '{"group_by": ["Song"], "output": "csv"}'], "csv"),
    ],
)
def test_the_name_of_the_output_chooses_the_format(arguments: list[str], written: str) -> None:
    done = CliRunner().invoke(writing, arguments)
    assert done.output == f"{written}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "p.parquet", "--format", "csv"], "format parquet, and the format is csv"),
        (
            ["-o", "p.csv", "--spec", '{"group_by": ["Song"], "output": "jsonl"}'],
            "format csv, and the format is jsonl",
        ),
        (["-o", "p.json"], "results are not written as .json; name it .jsonl, or say --format"),
        (["-o", "p.gz"], "results are not written as .gz; name it .csv.gz"),
        (["-o", "p.xls"], "results are not written as .xls; name it .xlsx"),
    ],
)
def test_an_output_whose_name_and_format_differ_is_refused(
    arguments: list[str], message: str
) -> None:
    done = CliRunner().invoke(writing, arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
