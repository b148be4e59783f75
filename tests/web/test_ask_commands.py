"""The command lines that the page shows for a question mean what its JSON means."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from csvmill.commands.spec_options import SpecCommand, spec_options
from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.json_codec import aggregation_json
from shared.aggregation.json_reader import read_aggregation
from shared.aggregation.spec import SONG_PLAYS
from tests.web.test_units import node

QUESTIONS = Path(__file__).parent / "units" / "questions.mjs"
PAGE = Path(__file__).parents[2] / "gateway" / "web" / "page" / "ask"


def written(server: str, file: str) -> list[dict[str, Any]]:
    """Return the questions of the page's tests, with their command lines."""
    command = [*node(), str(QUESTIONS), server, file]
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


@pytest.fixture(scope="module")
def functions() -> list[dict[str, Any]]:
    """The functions that the page offers."""
    module = json.dumps((PAGE / "functions.js").as_uri())
    script = (
        f"import {{ FUNCTIONS }} from {module}; process.stdout.write(JSON.stringify(FUNCTIONS))"
    )
    command = [*node(), "--input-type=module", "-e", script]
    done = subprocess.run(
        [each for each in command if each != "--experimental-default-type=module"],
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_the_page_offers_all_functions_with_what_they_read_and_give(
    functions: list[dict[str, Any]],
) -> None:
    assert {each["name"] for each in functions} == FUNCTIONS.keys()
    for each in functions:
        function = FUNCTIONS[each["name"]]
        assert each["kinds"] == list(function.kinds)
        assert each.get("gives") == function.gives
        assert each.get("parameter") == function.parameter
        assert each.get("needsWhere", False) is function.needs_where
        takes_column = "never" if not function.reads_rows else "maybe"
        assert each["column"] == ("always" if function.needs_column else takes_column)
