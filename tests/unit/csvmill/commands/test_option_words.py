"""Messages in the words of the command line."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from csvmill.cli import main
from csvmill.commands.option_words import OF_INPUT, in_options, input_options, option_of_path
from shared.aggregation.functions import FUNCTIONS
from shared.csv.dialect import Input, NumberStyle
from shared.jobs.warnings import KINDS

ROOT = Path(__file__).parents[4]
SPEC = {
    "aggregates": [
        {"function": "sum", "column": "a"},
        {"function": "count", "column": "b"},
        {"function": "count"},
        {"function": "count_if", "where": {"column": "a", "op": "is_empty"}},
    ]
}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("aggregates[0].column is 'b': no column", "--sum: 'b': no column"),
        ("aggregates[1].column is 'x'", "--count-of: 'x'"),
        ("spec.aggregates[2].name is 1", "--count: 1"),
        ("aggregates[3].where.column is 'x'", "--count-if: 'x'"),
        ("aggregates[9].column is 'x'", "output column 10: 'x'"),
        ("group_by[0].column is 'x': no", "--group-by: 'x': no"),
        ("where.and[1].column is 'x': no", "--where: 'x': no"),
        ("order_by[0].column is 'x'", "--order-by: 'x'"),
        (
            "if it is one, set input.decimal to ',' and input.thousands to '.' (and 1 more)",
            "if it is one, use --decimal , and --thousands . (and 1 more)",
        ),
        ("set input.number.currency to true", "use --currency"),
        ("set input.number.parentheses to 'negative'", "use --parentheses negative"),
        ("or set input.on_bad_row to skip", "or use --on-bad-row skip"),
        ("set input.header to true or false", "use --header or --no-header"),
        ("input.header is set", "--header or --no-header is given"),
        ("on_warning is 'fail': the file", "--strict is given: the file"),
        ("set input.date to '%d.%m.%y' or 'iso'", "use --date %d.%m.%y or --date iso"),
        (
            """set input.quote to 'none', or to '"' if quotes""",
            """use --quote none or --quote '"' if quotes""",
        ),
        ("set input.delimiter to '\\t'", "use --delimiter tab"),
        ("add 'n/a' to input.null", "add --null n/a"),
        ("add 'not known' to input.null", "add --null 'not known'"),
        ("set input.delimiter, or input.decimal to ','", "set --delimiter, or --decimal ,"),
        ("input.encoding is 'x'", "--encoding is 'x'"),
        ("where is {'column': 'b', 'op': '>', 'value': '1'}; send", "--where: b > 1; send"),
        ("the columns are 'where is', 'limit'", "the columns are 'where is', 'limit'"),
        ("cannot connect to a.example:80", "cannot connect to a.example:80"),
    ],
)
def test_paths_in_a_spec_become_options(message: str, words: str) -> None:
    assert in_options(message, SPEC) == words


def test_remedies_of_groups_and_values_that_look_alike_name_options() -> None:
    for kind in ("similar_groups", "similar_distinct"):
        remedy = in_options(KINDS[kind].remedy)
        assert "in --group-by" in remedy or "to --group-by" in remedy
        assert ":trim, :lower, :upper or :nfc" in remedy


def test_every_key_of_input_that_a_message_names_has_an_option() -> None:
    sources = [*ROOT.glob("shared/**/*.py"), *ROOT.glob("kernel/src/**/*.[ch]pp")]
    named = {
        name
        for path in sources
        for text in re.findall(r'"(?:[^"\\]|\\.)*"', path.read_text())
        for name in re.findall(r"\binput\.(number\.[a-z]+|[a-z_]+)", text)
    }
    assert {"decimal", "null", "number.currency", "skip_footer"} <= named
    for name in named - {"number"}:  # the table itself: each of its keys has an option
        assert "input." not in in_options(f"set input.{name} to 'x', or leave input.{name} out")


def test_everything_that_can_be_declared_about_a_file_has_an_option() -> None:
    assert {key.partition(".")[0] for key in OF_INPUT} == {field.name for field in fields(Input)}


def test_the_options_are_those_of_the_commands() -> None:
    usage = CliRunner().invoke(main, ["inspect", "--help"]).output
    for option in OF_INPUT.values():
        assert re.search(rf"{option}\b", usage), option
    for function in FUNCTIONS:
        option = option_of_path("aggregates[0]", {"aggregates": [{"function": function}]})
        assert re.search(rf"{option}\b", usage), option


def test_declared_input_is_shown_as_the_options_that_declare_it() -> None:
    declared = Input(decimal=",", null=("n/a", "not known"), number=NumberStyle(currency=True))
    from shared.aggregation.json_codec import aggregation_json
    from shared.aggregation.spec import Aggregation

    assert input_options(aggregation_json(Aggregation(input=declared))["input"]) == (
        "--decimal , --null n/a --null 'not known' --currency"
    )
    assert input_options({"header": False, "skip_lines": 2}) == "--no-header --skip-lines 2"


def test_a_spec_that_was_given_as_json_is_named_by_its_paths(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a;b\n1,5;x\n2,5;y\n")
    options = CliRunner().invoke(main, ["inspect", str(file), "--sum", "a"])
    spec = '{"aggregates": [{"function": "sum", "column": "a"}]}'
    as_json = CliRunner().invoke(main, ["inspect", str(file), "--spec", spec])
    assert "--on-bad-row skip" in options.output
    assert "input." not in options.output
    assert "input.on_bad_row to skip" in as_json.output
