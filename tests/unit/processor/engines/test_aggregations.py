"""Any aggregation gives the bytes of the oracle."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.aggregation.json_reader import read_aggregation
from shared.errors import MalformedInput
from tests.aggregations import Case, cases
from tests.oracle import expected_result
from tests.settled import settled
from tests.unit.processor.engines.kernel import run

if TYPE_CHECKING:
    from shared.jobs.job import Aggregation


@pytest.mark.timeout(600)  # a process for each example
@given(cases().map(settled), st.integers(0, 20_000))
@settings(max_examples=100)
def test_any_aggregation_equals_plain_python_with_any_memory(case: Case, groups: int) -> None:
    expected = expected_result(case.aggregation, case.data)

    assert run(case.data, case.aggregation, groups=groups) == expected


HEADER = b"k,n,d\n"


def aggregation(**fields: object) -> Aggregation:
    return read_aggregation({"group_by": ["k"], **fields}, "spec")


def of(function: str, column: str, **more: str) -> dict[str, object]:
    return {"aggregates": [{"function": function, "column": column, "name": "x", **more}]}


EXACT = [
    (of("sum", "n"), ["0.1"] * 10, "1.0"),
    (of("sum", "n"), ["1e3", "1"], "1001"),
    (of("sum", "n"), ["1e400", "1e-400"], "1" + "0" * 400 + "." + "0" * 399 + "1"),
    # The kernel adds 18 digits at a time: the sum has one group of digits more than its values.
    *((of("sum", "n"), ["9" * count, "1"], "1" + "0" * count) for count in (18, 36, 54)),
    *((of("sum", "n"), ["-1", "-" + "9" * count], "-1" + "0" * count) for count in (18, 36, 54)),
    (of("sum", "n"), ["9" * 34 + ".99", "0.01"], "1" + "0" * 34 + ".00"),
    (of("sum", "n"), ["", ""], ""),
    (of("sum", "n"), ["-0"], "0"),
    (of("avg", "n"), ["1", "2", ""], "1.5"),
    (of("avg", "n"), ["1", "1", "2"], "1.333333"),
    (of("avg", "n"), ["-1", "-1", "-2"], "-1.333333"),
    (of("avg", "n"), ["0.000001", "0", "0", "0"], "0.00000025"),
    (of("avg", "n"), ["1.50", "2.50"], "2.00"),
    (of("avg", "n"), ["1"] + ["0"] * 127, "0.007812"),
    (of("avg", "n"), ["3"] + ["0"] * 127, "0.023438"),
    (of("avg", "n"), ["-1"] + ["0"] * 127, "-0.007812"),
    (of("avg", "n"), ["1e3", "1e3"], "1000"),
    (of("median", "n"), ["10", "9", "", "2"], "9"),
    (of("median", "n"), ["1", "2"], "1.5"),
    (of("median", "n"), ["1.0", "3.0"], "2.0"),
    (of("min", "n"), ["10", "9.50", "1e1"], "9.50"),
    (of("max", "n"), ["10", "9.50"], "10.00"),
    (of("max", "n", type="text"), ["10", "9"], "9"),
    (of("count", "n"), ["", "x", "x"], "2"),
    (of("count_distinct", "n"), ["1", "1.0", "", "1"], "2"),
    (of("count_distinct", "n", type="number"), ["1", "1.0", "", "1e0"], "1"),
    (of("first", "n"), ["", "b", "a"], "b"),
    (of("last", "n"), ["b", "a", ""], "a"),
]


@pytest.mark.parametrize(("fields", "cells", "expected"), EXACT)
def test_numbers_and_empty_cells_are_aggregated_as_documented(
    fields: dict[str, object], cells: list[str], expected: str
) -> None:
    data = HEADER + "".join(f"a,{cell},\n" for cell in cells).encode()

    result, *_ = run(data, aggregation(**fields))

    assert result == f"k,x\na,{expected}\n".encode()


MALFORMED = [
    (of("sum", "n"), b"a,1\xe2\x82\xac,", "line 2, column 2 ('n'): found '1€', expected a number"),
    (of("sum", "n", type="integer"), b"a,1.0,", "line 2, column 2 ('n'): found '1.0', expected an"),
    (of("sum", "n", empty="fail"), b"a,,", "line 2, column 2 ('n'): found '', expected a number"),
    (
        of("first", "n", empty="fail"),
        b"a,,",
        "found '', expected text (empty cells are errors here)",
    ),
    (of("min", "n"), b"a,x,", "found 'x', expected a number"),
    (of("max", "d", type="date"), b"a,,2020-01-01Z", "column 3 ('d'): found '2020-01-01Z', exp"),
    ({"group_by": [{"column": "d", "truncate": "day"}]}, b"a,,1.2.2020", "expected a date, such"),
    (
        {"where": {"column": "n", "op": ">", "value": 3}},
        b"a,N/A,",
        "line 2, column 2 ('n'): found 'N/A', expected a number, such as",
    ),
    ({"group_by": ["K"]}, b"a,1,", "the aggregation does not fit the file: group_by[0].column"),
    ({}, b"a,1", "line 2, column 3 ('d'): found 2 columns: 'a,1', expected 3 columns as in the"),
]


@pytest.mark.parametrize(("fields", "row", "message"), MALFORMED)
def test_the_error_names_a_cell_of_the_wrong_kind(
    fields: dict[str, object], row: bytes, message: str
) -> None:
    with pytest.raises(MalformedInput) as refusal:
        run(HEADER + row + b"\n", aggregation(**fields))

    assert message in str(refusal.value)


def test_cells_in_rows_that_where_filters_out_need_not_be_numbers() -> None:
    fields = {**of("sum", "n"), "where": {"column": "k", "op": "=", "value": "a"}}

    result, rows, groups, _ = run(HEADER + b"b,N/A,\na,1,\n", aggregation(**fields))

    assert (result, rows, groups) == (b"k,x\na,1\n", (1, 1, 0), 1)


def test_a_file_without_rows_has_one_total_but_no_groups() -> None:
    counted = {"aggregates": [{"function": "count"}, {"function": "sum", "column": "n"}]}

    assert run(HEADER, aggregation(**counted, group_by=[]))[0] == b"count,sum(n)\n0,\n"
    assert run(HEADER, aggregation(**counted))[0] == b"k,count,sum(n)\n"


def test_compressed_results_are_reproducible() -> None:
    data = HEADER + b"a,1,\n" * 100
    plain = run(data, aggregation(**of("sum", "n")))[0]
    compressed = [run(data, aggregation(**of("sum", "n"), output="csv.gz"))[0] for _ in "12"]

    assert gzip.decompress(compressed[0]) == plain
    assert compressed[0] == compressed[1]


DIGITS = 4_000_000
"""So many digits that `int` takes longer than the timeout; for 64 MiB of them, hours."""
OF_LONG_NUMBERS = {
    "plain sum": (of("sum", "n", type="integer", empty="fail"), "1" * DIGITS + "0"),
    "sum": (of("sum", "n"), "1" * DIGITS + "0"),
    "sorted": ({**of("sum", "n"), "order_by": ["x"]}, "1" * DIGITS + "0"),
    "avg": (of("avg", "n"), "5" * DIGITS),
    "median": (of("median", "n"), "5" * DIGITS),
    "min": (of("min", "n"), "1" * DIGITS),
    "max": (of("max", "n"), "9" * DIGITS),
    "count_distinct": (of("count_distinct", "n", type="number"), "2"),
}


@pytest.mark.parametrize("name", OF_LONG_NUMBERS)
def test_numbers_with_very_many_digits_are_aggregated_fast(name: str) -> None:
    fields, expected = OF_LONG_NUMBERS[name]
    data = HEADER + b"a," + b"9" * DIGITS + b",\na," + b"1" * DIGITS + b",\n"

    result = run(data, aggregation(**fields)).result

    # Not in the assertion: pytest would take long to show the difference.
    is_right = result == f"k,x\na,{expected}\n".encode()
    assert is_right
