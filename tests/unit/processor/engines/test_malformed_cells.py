"""What becomes of each kind of cell in a column of numbers or dates, in the two plans."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from processor.engines.plan import Inconclusive
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
from tests.unit.processor.engines.plans import run_exact, run_fast

if TYPE_CHECKING:
    from shared.aggregation.functions import Function
    from shared.aggregation.kinds import Kind

SKIP = replace(DECLARED, on_bad_row="skip")
SUM_AND_LEAST = Aggregate("sum", "b", "sum", "number"), Aggregate("min", "b", "min", "number")
FUNCTIONS: list[Function] = ["sum", "avg", "median", "min", "max", "count_distinct"]


def asked_of(function: Function, kind: Kind) -> Aggregation:
    return Aggregation(
        (GroupColumn("a"),), (Aggregate(function, "b", "out", kind),), input=DECLARED
    )


def test_the_tables_of_the_documents_have_them_all() -> None:
    rows = list(table("Malformed cells"))

    numbers, dates = "in a column of numbers", "in a column of dates"
    assert rows == [numbers, *NO_NUMBERS, *NUMBERS, dates, *NO_DATES]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_no_number_is_rejected_cell_by_cell_and_part_of_nothing(function: Function) -> None:
    skipping = replace(asked_of(function, "number"), input=SKIP)
    data = file_of(BAD_NUMBERS)

    found = run_exact(data, skipping)

    told = list(csv.DictReader(io.StringIO(found.rejects.decode(), newline="")))
    assert found.rows == (1, 0, len(BAD_NUMBERS))
    assert [row["record"] for row in told] == data.decode().split("\r\n")[2:-1]
    assert {row["column"] for row in told} == {"2"}
    assert all(", expected a number, such as 42" in row["reason"] for row in told)
    assert found == expected_of_dirty(skipping, data)
    assert found.result.splitlines()[1:] in ([b"good,7"], [b"good,1"])


@pytest.mark.parametrize("cell", BAD_NUMBERS)
def test_what_is_no_number_is_left_to_the_exact_plan(cell: str) -> None:
    asked = Aggregation((GroupColumn("a"),), SUM_AND_LEAST, input=DECLARED)
    with pytest.raises(Inconclusive):
        run_fast(file_of([cell]), asked)


@pytest.mark.parametrize(("cell", "total"), GOOD_NUMBERS)
def test_what_is_a_number_is_that_number(cell: str, total: str) -> None:
    data, asked = file_of([cell]), asked_of("sum", "number")
    expected = f"a,out\ngood,7\nx,{total}\n".encode()

    assert run_exact(data, asked).result == expected
    with suppress(Inconclusive):
        assert run_fast(data, asked).result == expected
    assert expected_of_dirty(asked, data).result == expected


def test_what_is_a_number_adds_up() -> None:
    data = file_of([cell for cell, _ in GOOD_NUMBERS])

    found = run_exact(data, asked_of("sum", "number"))

    assert found.result == f"a,out\ngood,7\nx,{summed(GOOD_NUMBERS)}\n".encode()


def test_what_is_no_date_is_rejected_cell_by_cell() -> None:
    skipping = replace(asked_of("max", "date"), input=SKIP)
    data = file_of(BAD_DATES, good="2020-01-31")

    found = run_exact(data, skipping)

    assert found.rows == (1, 0, len(BAD_DATES))
    assert found.result == b"a,out\ngood,2020-01-31\n"
    assert found == expected_of_dirty(skipping, data)


@pytest.mark.parametrize("cell", BAD_DATES)
def test_what_is_no_date_is_none_to_truncate_either(cell: str) -> None:
    asked = Aggregation((GroupColumn("b", truncate="month"),), input=DECLARED)

    with pytest.raises(MalformedInput, match=r"line 3, column 2 \('b'\): found .* a date, such as"):
        run_exact(file_of([cell], good="2020-01-31"), asked)
