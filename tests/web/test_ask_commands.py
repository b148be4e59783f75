"""The command lines that the page shows for a question mean what its JSON means."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from click.testing import CliRunner

from csvmill.commands.spec_options import SpecCommand, spec_options
from shared.aggregation.formats import FORMATS
from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.json_codec import aggregation_json
from shared.aggregation.json_reader import read_aggregation
from shared.aggregation.kinds import Truncation
from shared.aggregation.spec import ARITHMETIC, SONG_PLAYS, Case, DatePart, Operator
from shared.csv.dialect import Encoding, Input
from tests.web.files import sales
from tests.web.test_units import node

if TYPE_CHECKING:
    from tests.web.service import Service

QUESTIONS = Path(__file__).parent / "units" / "questions.mjs"
PAGE = Path(__file__).parents[2] / "gateway" / "web" / "page" / "ask"


def written(
    server: str, file: str, aggregations: list[dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Return questions, by default those of the page's tests, with their command lines."""
    given = [] if aggregations is None else [json.dumps(aggregations)]
    command = [*node(), str(QUESTIONS), server, file, *given]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout, parse_float=Decimal)
    return found


@click.command(cls=SpecCommand)
@spec_options
def meant(aggregation: dict[str, Any] | None) -> None:
    """Print the aggregation that options mean."""
    click.echo(json.dumps(aggregation, default=str))


def normal(aggregation: dict[str, Any] | None) -> dict[str, Any]:
    return aggregation_json(read_aggregation(aggregation, "spec") if aggregation else SONG_PLAYS)


def test_the_options_mean_what_the_json_means() -> None:
    expressed = 0
    for question in written("http://host", "a.csv"):
        if question["options"] is None:
            continue
        words = [word for option in question["options"] for word in option]
        done = CliRunner().invoke(meant, words)
        assert done.exit_code == 0, (words, done.output)
        assert normal(json.loads(done.output, parse_float=Decimal)) == normal(
            question["aggregation"]
        ), words
        expressed += 1
    assert expressed > 12


async def execute(line: str, folder: Path) -> str:
    """Run a line in a shell, as a person who has copied it; return what it prints."""
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", line, cwd=folder, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, errors = await process.communicate()
    assert process.returncode == 0, (line, errors.decode())
    return out.decode()


async def test_the_lines_that_are_copied_compute_what_the_page_computes(
    service: Service, tmp_path: Path
) -> None:
    name = "my 'best' sales [2026].csv"
    sales(tmp_path / name)
    asked: list[dict[str, Any]] = [
        {"group_by": ["region"], "aggregates": [{"function": "sum", "column": "amount"}]},
        {
            "group_by": [{"column": "date", "truncate": "month", "name": "Month; it's"}],
            "aggregates": [
                {"function": "avg", "column": "units"},
                {"function": "count_if", "where": {"column": 2, "op": "=", "value": "North"}},
            ],
            "where": {"column": "product", "op": "in", "value": ["Tea", "Cocoa, $HOME `x`"]},
            "having": {"column": "avg(units)", "op": ">", "value": 1},
            "order_by": [{"column": "avg(units)", "descending": True}],
            "limit": 5,
        },
        {
            "group_by": [3, "region"],
            "aggregates": [{"function": "percentile", "column": "amount", "p": 99.5}],
            "where": {"and": [
                {"column": "date", "op": ">=", "value": "2026-03-01", "type": "date"},
                {"or": [
                    {"column": 4, "op": ">", "value": 20}, {"column": 4, "op": "<", "value": 5},
                ]},
            ]},
            "output": "jsonl",
        },
    ]  # fmt: skip
    for aggregation, question in zip(asked, written(service.origin, name, asked), strict=True):
        async with service.client() as client:
            job = await client.upload(tmp_path / name, aggregation=aggregation)
            await client.wait(job, timeout=60)
            await client.download(job, tmp_path / "expected")
            expected = (tmp_path / "expected").read_bytes()
            assert len(expected.splitlines()) > 1

            await execute(question["run"], tmp_path)
            output = aggregation.get("output", "csv")
            assert (tmp_path / f"result.{output}").read_bytes() == expected

            sent = json.loads(await execute(question["curl"], tmp_path))
            assert sent["name"] == name
            other = sent["job"].rpartition("/")[2]
            await client.wait(other, timeout=60)
            await client.download(other, tmp_path / "other")
            assert (tmp_path / "other").read_bytes() == expected


def constant(module: str, name: str) -> Any:
    """Return what a module of the page exports under a name."""
    url = json.dumps((PAGE / module).as_uri())
    script = f"import {{ {name} }} from {url}; process.stdout.write(JSON.stringify({name}))"
    done = subprocess.run(
        [node()[0], "--experimental-default-type=module", "--input-type=module", "-e", script],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_page_offers_all_functions_with_what_they_read_and_give() -> None:
    functions = constant("functions.js", "FUNCTIONS")
    assert {each["name"] for each in functions} == FUNCTIONS.keys()
    for each in functions:
        function = FUNCTIONS[each["name"]]
        assert each["kinds"] == list(function.kinds)
        assert each.get("gives") == function.gives
        assert each.get("parameter") == function.parameter
        assert each.get("needsWhere", False) is function.needs_where
        takes_column = "never" if not function.reads_rows else "maybe"
        assert each["column"] == ("always" if function.needs_column else takes_column)


def test_the_page_offers_all_formats_operators_and_ways_to_group() -> None:
    assert constant("functions.js", "OUTPUTS") == list(FORMATS)
    assert sorted(constant("functions.js", "OPERATORS")) == sorted(get_args(Operator))
    assert set(constant("functions.js", "TRUNCATIONS")) == set(get_args(Truncation))
    assert set(constant("functions.js", "PARTS")) == set(get_args(DatePart))
    assert set(constant("functions.js", "CASES")) == set(get_args(Case))
    assert constant("functions.js", "ARITHMETIC") == ARITHMETIC


def test_the_page_lets_a_person_declare_everything_about_a_file() -> None:
    assert set(constant("dialect_fields.js", "ENCODINGS")) == set(get_args(Encoding))
    keys = {each["key"].partition(".")[0] for each in constant("dialect_fields.js", "FIELDS")}
    assert keys == {field.name for field in fields(Input)}
