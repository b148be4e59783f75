"""How the kernel treats each kind of cell in a column of numbers or dates."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.errors import MalformedInput
from tests.malformations import table
from tests.malformed_cells import (
    BAD_DATES,
    BAD_NUMBERS,
    DECLARED,
    GOOD_NUMBERS,
    NO_DATES,
    NO_NUMBERS,
    NUMBERS,
    file_of,
    summed,
)
from tests.oracle import expected_of_dirty
from tests.unit.processor.engines.kernel import run

if TYPE_CHECKING:
    from shared.aggregation.functions import Function
    from shared.aggregation.kinds import Kind

SKIP = replace(DECLARED, on_bad_row="skip")
FUNCTIONS: list[Function] = ["sum", "avg", "median", "min", "max", "count_distinct"]


def aggregation_with(function: Function, kind: Kind) -> Aggregation:
    return Aggregation(
        (GroupColumn("a"),), (Aggregate(function, "b", "out", kind),), input=DECLARED
    )


def test_the_tables_in_the_docs_are_complete() -> None:
    rows = list(table("Malformed cells"))

    numbers, dates = "in a column of numbers", "in a column of dates"
    assert rows == [numbers, *NO_NUMBERS, *NUMBERS, dates, *NO_DATES]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_cells_that_are_not_numbers_are_rejected_and_not_aggregated(function: Function) -> None:
    skipping = replace(aggregation_with(function, "number"), input=SKIP)
    data = file_of(BAD_NUMBERS)

    found = run(data, skipping)

    rejects = list(csv.DictReader(io.StringIO(found.rejects.decode(), newline="")))
    assert found.rows == (1, 0, len(BAD_NUMBERS))
    assert [row["record"] for row in rejects] == data.decode().split("\r\n")[2:-1]
    assert {row["column"] for row in rejects} == {"2"}
    assert all(", expected a number, such as 42" in row["reason"] for row in rejects)
    assert found == expected_of_dirty(skipping, data)
    assert found.result.splitlines()[1:] in ([b"good,7"], [b"good,1"])


@pytest.mark.parametrize(("cell", "total"), GOOD_NUMBERS)
def test_cells_that_are_numbers_have_the_documented_value(cell: str, total: str) -> None:
    data, aggregation = file_of([cell]), aggregation_with("sum", "number")
    expected = f"a,out\ngood,7\nx,{total}\n".encode()

    assert run(data, aggregation).result == expected
    assert expected_of_dirty(aggregation, data).result == expected


def test_the_sum_of_all_cells_that_are_numbers_is_exact() -> None:
    data = file_of([cell for cell, _ in GOOD_NUMBERS])

    found = run(data, aggregation_with("sum", "number"))

    assert found.result == f"a,out\ngood,7\nx,{summed(GOOD_NUMBERS)}\n".encode()


def test_cells_that_are_not_dates_are_rejected() -> None:
    skipping = replace(aggregation_with("max", "date"), input=SKIP)
    data = file_of(BAD_DATES, good="2020-01-31")

    found = run(data, skipping)

    assert found.rows == (1, 0, len(BAD_DATES))
    assert found.result == b"a,out\ngood,2020-01-31\n"
    assert found == expected_of_dirty(skipping, data)


@pytest.mark.parametrize("cell", BAD_DATES)
def test_cells_that_are_not_dates_cannot_be_truncated(cell: str) -> None:
    aggregation = Aggregation((GroupColumn("b", truncate="month"),), input=DECLARED)

    with pytest.raises(MalformedInput, match=r"line 3, column 2 \('b'\): found .* a date, such as"):
        run(file_of([cell], good="2020-01-31"), aggregation)
