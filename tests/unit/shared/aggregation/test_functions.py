"""The table of aggregate functions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from shared.aggregation.functions import FUNCTIONS, AggregateFunction, Function
from shared.aggregation.spec import Aggregate, Aggregation, Condition
from tests.unit.processor.engines.kernel import run

if TYPE_CHECKING:
    from shared.aggregation.kinds import Kind

PAGE = Path(__file__).parents[4] / "docs/aggregation.md"
_ROW = re.compile(r"^\| (`[^|]+`) \| [^|]+ \| ([^|]*)\|$", re.MULTILINE)

functions = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


def test_every_name_has_one_line_in_the_table() -> None:
    assert set(FUNCTIONS) == set(get_args(Function))


@functions
def test_the_kernel_computes_a_function_of_each_kind(function: AggregateFunction) -> None:
    count = Aggregate("count", name="n")
    for kind in function.kinds:
        aggregate = Aggregate(
            function.name,
            1 if function.reads_rows else None,
            "x",
            kind,
            where=Condition(1, "is_empty") if function.needs_where else None,
            p="90" if function.parameter == "p" else None,
            of=("n", "n") if function.parameter == "of" else None,
        )
        found = run(b"a\n", Aggregation((), (aggregate, count)))
        empty = b"" if function.gives != "integer" else b"0"
        assert found.result == b"x,n\n" + empty + b",0\n"


def test_the_page_about_aggregations_documents_every_function_and_its_types() -> None:
    page = PAGE.read_text(encoding="utf-8")
    section = page[page.index("| function | result | `type` |") : page.index("## Numbers")]
    documented = {
        name: re.findall("`([^`]+)`", types)
        for names, types in _ROW.findall(section)
        for name in re.findall("`([^`]+)`", names)
        if name != "type"
    }

    assert documented == {
        each.name: list(each.kinds) if len(each.kinds) > 1 else [] for each in FUNCTIONS.values()
    }


@pytest.mark.parametrize(
    ("function", "kind", "output"),
    [
        ("count", None, "integer"),
        ("count_distinct", "number", "integer"),
        ("sum", "integer", "integer"),
        ("avg", "integer", "number"),
        ("median", "integer", "number"),
        ("stddev", "integer", "number"),
        ("mode", "number", "number"),
        ("mode", "text", "text"),
        ("sum_if", "integer", "integer"),
        ("ratio", None, "number"),
        ("max", "date", "date"),
        ("first", "text", "text"),
    ],
)
def test_the_kind_of_an_output_column_follows_from_function_and_type(
    function: Function, kind: Kind | None, output: Kind
) -> None:
    assert FUNCTIONS[function].output_kind(kind) == output
