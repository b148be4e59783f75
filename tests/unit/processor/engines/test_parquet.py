"""Results in Parquet, read by another library than the one that wrote them."""

from __future__ import annotations

import contextlib
import csv
import io
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from processor.engines import parquet
from shared.aggregation.spec import Aggregate, Aggregation, Condition, GroupColumn
from shared.errors import AttemptFailed, InvalidInput
from tests.aggregations import Case, cases
from tests.oracle import expected_result
from tests.reference.rows import csv_line
from tests.settled import settled
from tests.unit.processor.engines.kernel import run

if TYPE_CHECKING:
    from shared.aggregation.functions import Function
    from shared.aggregation.kinds import Kind, Truncation


def read(content: bytes) -> pyarrow.Table:
    return pyarrow.parquet.read_table(io.BytesIO(content))


def column(function: Function, kind: Kind, cells: list[str]) -> pyarrow.ChunkedArray:
    """Compute the function of each cell, in a group of its own; return the column."""
    data = "k,v\n" + "".join(f"{i:04},{cell}\n" for i, cell in enumerate(cells))
    aggregates = (Aggregate(function, "v", "found", kind),)
    aggregation = Aggregation((GroupColumn("k"),), aggregates, output="parquet")
    return read(run(data.encode(), aggregation)[0]).column("found")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-9223372036854775808"], "int64"),
        (["1.00", "-2.5", "7"], "decimal128(18, 2)"),
        (["1", "9223372036854775808"], "decimal128(38, 0)"),
        (["-" + "9" * 38, "1"], "decimal128(38, 0)"),
        (["0.5", "1" * 18], "decimal128(38, 1)"),
        (["1" * 20, "0." + "1" * 18], "decimal128(38, 18)"),
        (["1" * 39, "1"], "string"),
        (["1" * 20, "0." + "1" * 19], "string"),
        ([""], "int64"),
    ],
)
def test_a_column_of_numbers_has_the_narrowest_type_that_holds_them_exactly(
    cells: list[str], kind: str
) -> None:
    found = column("sum", "number", [*cells, ""])

    assert str(found.type) == kind
    expected = [Decimal(cell) if cell else None for cell in [*cells, ""]]
    assert [None if v is None else Decimal(v) for v in found.to_pylist()] == expected


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["2020-12-31", "0001-01-01"], "date32[day]", [date(2020, 12, 31), date(1, 1, 1)]),
        (
            ["2020-12-31", "2020-12-31T23:59", "2020-12-31 23:59:59.123456000"],
            "timestamp[us]",
            [
                datetime(2020, 12, 31, tzinfo=UTC),
                datetime(2020, 12, 31, 23, 59, tzinfo=UTC),
                datetime(2020, 12, 31, 23, 59, 59, 123456, tzinfo=UTC),
            ],
        ),
        (["2020-12-31", "2020-12-31 23:59:59.1234567"], "string", None),
        ([], "date32[day]", []),
    ],
)
def test_a_date_column_has_times_if_one_cell_has_and_is_text_beyond_microseconds(
    cells: list[str], kind: str, values: list[Any] | None
) -> None:
    found = column("max", "date", [*cells, ""])

    assert str(found.type) == kind
    aware = [v.replace(tzinfo=UTC) if isinstance(v, datetime) else v for v in found.to_pylist()]
    assert aware == [*(cells if values is None else values), None]


@pytest.mark.parametrize(
    ("truncation", "kind", "values"),
    [
        ("day", "date32[day]", [None, date(2020, 12, 31)]),
        ("week", "string", ["", "2020-W53"]),
        ("month", "string", ["", "2020-12"]),
        ("year", "string", ["", "2020"]),
    ],
)
def test_truncated_days_are_dates_and_longer_periods_are_text(
    truncation: Truncation, kind: str, values: list[Any]
) -> None:
    aggregation = Aggregation(
        (GroupColumn("d", truncate=truncation),), (Aggregate("count"),), output="parquet"
    )

    table = read(run(b'd\n2020-12-31T23:00Z\n""\n', aggregation)[0])

    assert str(table.column("d").type) == kind
    assert table.to_pydict() == {"d": values, "count": [1, 1]}


def test_an_aggregate_without_text_is_null_and_an_empty_group_is_empty_text() -> None:
    data = b'k,t\n"",\na,"x, ""\0"""\n'
    aggregation = Aggregation(
        (GroupColumn("k"),), (Aggregate("first", "t", kind="text"),), output="parquet"
    )

    table = read(run(data, aggregation)[0])

    assert table.to_pydict() == {"k": ["", "a"], "first(t)": [None, 'x, "\0"']}


def test_a_result_without_rows_has_its_columns() -> None:
    aggregation = Aggregation(
        (GroupColumn("k"),),
        (Aggregate("sum", "n", kind="number"),),
        where=Condition("k", "=", ("none",)),
        output="parquet",
    )
    data = b"k,n\na,1\n"

    table = read(run(data, aggregation)[0])

    assert (table.column_names, table.num_rows) == (["k", "sum(n)"], 0)


@pytest.mark.parametrize("names", [("a", "A"), ("", "b"), ("ß", "SS")])
def test_empty_and_equally_folded_column_names_are_refused(names: tuple[str, str]) -> None:
    from shared.aggregation.resolve import resolve

    aggregation = Aggregation((GroupColumn(1), GroupColumn(2)), output="parquet")

    with pytest.raises(InvalidInput, match=r"group_by\[[01]\]\.name is .*; send "):
        resolve(aggregation, names)
    resolve(replace(aggregation, output="csv"), names)


def assert_holds(content: bytes, case: Case) -> None:
    """Compare the Parquet file with the CSV of the oracle."""
    expected = expected_result(case.aggregation, case.data)
    count = expected.groups
    names, *rows = csv.reader(io.StringIO(expected.result.decode(), newline=""), strict=True)
    table = read(content)
    assert (table.column_names, table.num_rows) == (names, count)
    groups = case.aggregation.group_by
    for i, found in enumerate(table.columns):
        is_text = i < len(groups) and groups[i].truncate != "day"
        for value, row in zip(found.to_pylist(), rows, strict=True):
            assert _means(value, row[i], is_text=is_text), (value, row[i], found.type)


def _means(value: object, cell: str, *, is_text: bool) -> bool:
    if value is None:
        return cell == "" and not is_text
    if isinstance(value, (int, Decimal)):
        return Decimal(cell) == value
    if isinstance(value, datetime):
        return datetime.fromisoformat(cell) == value
    return str(value) == cell


@pytest.mark.timeout(600)  # a process for each example
@given(cases().map(settled))
@settings(max_examples=15, deadline=None)
def test_parquet_equals_plain_python(case: Case) -> None:
    case = Case(replace(case.aggregation, output="parquet"), case.data)
    names = csv.reader(io.StringIO(expected_result(case.aggregation, case.data)[0].decode()))
    folded = [name.casefold() for name in next(names)]
    assume(len(set(folded)) == len(folded))

    assert_holds(run(case.data, case.aggregation)[0], case)


def test_row_groups_have_a_fixed_number_of_rows() -> None:
    data = "k,n\n" + "".join(f"{i * 7919 % 150_000:06},{i / 100}\n" for i in range(150_000))
    aggregation = Aggregation(
        (GroupColumn("k"),), (Aggregate("count", None, "n"),), output="parquet"
    )

    found = run(data.encode(), aggregation)

    file = pyarrow.parquet.ParquetFile(io.BytesIO(found[0]))
    assert [file.metadata.row_group(i).num_rows for i in range(2)] == [122_880, 27_120]
    assert read(found[0]).column("k").to_pylist() == [f"{i:06}" for i in range(150_000)]


def test_row_groups_of_long_rows_have_fewer_rows() -> None:
    data = "k\n" + "".join(f"{i:06}{'x' * 10_000}\n" for i in range(5000))
    aggregation = Aggregation((GroupColumn("k"),), output="parquet")

    file = pyarrow.parquet.ParquetFile(io.BytesIO(run(data.encode(), aggregation)[0]))

    assert [file.metadata.row_group(i).num_rows for i in range(3)] == [2048, 2048, 904]


TEXTS = [
    "",
    "a",
    "\0",
    '"',
    ",",
    "\n",
    "\r",
    "\r\n",
    "é",
    "😀",
    " ",
    "'",
    "\\",
    "NULL",
    "\ufeff",
    "#",
]


def write(folder: Path, rows: bytes, **more: Any) -> None:
    """Write a Parquet file of one group column and one number from the kernel's rows."""
    (folder / "rows").write_bytes(b"k,n\n" + rows)
    task = {
        "rows": "rows",
        "count": rows.count(b"\n"),
        "names": ["k", "n"],
        "kinds": ["group", "number"],
        "memory": 256 << 20,
        "scratch": 1 << 30,
    }
    with contextlib.chdir(folder):
        parquet.write(task | more)


@given(st.lists(st.lists(st.sampled_from(TEXTS), max_size=4).map("".join), max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_text_is_kept(texts: list[str]) -> None:
    rows = [csv_line([text.encode(), b"%d" % number]) for number, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), b"".join(rows), count=len(rows))

        table = pyarrow.parquet.read_table(Path(name) / "result.parquet")

    assert table.to_pydict() == {"k": texts, "n": list(range(len(texts)))}


def test_rows_longer_than_the_buffer_are_read(tmp_path: Path) -> None:
    write(tmp_path, b"a,1\n" + b"x" * 9_000_000 + b",2.5\n")

    (found,) = pyarrow.parquet.read_table(tmp_path / "result.parquet").to_pylist()[1:]
    assert (len(found["k"]), found["n"]) == (9_000_000, Decimal("2.5"))


def test_a_file_with_another_number_of_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AttemptFailed, match="2 rows, not 3"):
        write(tmp_path, b"a,1\nb,2\n", count=3)


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    (tmp_path / "result.parquet").symlink_to("/dev/full")

    with pytest.raises(duckdb.Error) as failed:
        write(tmp_path, b"a,1\n")

    assert parquet.reason_of(failed.value).startswith("the disk is full")


def test_without_duckdb_the_engine_names_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    aggregation = Aggregation((GroupColumn("k"),), output="parquet")

    with pytest.raises(AttemptFailed, match=r"install csvmill\[parquet\]"):
        run(b"k\na\n", aggregation)
    assert run(b"k\na\n", replace(aggregation, output="csv")).result == b"k\na\n"
