"""Results as workbooks, read by another library than the one that wrote them."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from processor.engines import xlsx
from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.errors import MalformedInput
from tests.unit.processor.engines.kernel import run

LIMIT = 1_048_576
"""Rows of a sheet, as ECMA-376 readers and writers have it."""


def sheet(content: bytes) -> list[list[Any]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    (only,) = book.worksheets
    return [[cell.value for cell in row] for row in only.iter_rows()]


def types(content: bytes) -> list[list[str]]:
    """Return the types of the cells as the file has them: `n`, `s`, `f` for a formula, `d`."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [[cell.data_type for cell in row] for row in book.worksheets[0].iter_rows()]


def written(rows: list[list[str]], kinds: list[str]) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "result").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
        xlsx.write({"rows": str(folder / "result"), "kinds": kinds})
        return (folder / "result.xlsx").read_bytes()


def test_a_result_as_a_workbook_has_numbers_dates_and_texts() -> None:
    data = "k,d,n\na,2020-12-31,1.50\na,2021-01-01,2\nb,2020-12-31,\n"
    aggregation = Aggregation(
        (GroupColumn("k"),),
        (
            Aggregate("sum", "n", "total", "number"),
            Aggregate("max", "d", "last", "date"),
            Aggregate("count", None, "rows"),
        ),
        output="xlsx",
    )

    found = sheet(run(data.encode(), aggregation)[0])

    assert found == [
        ["k", "total", "last", "rows"],
        ["a", 3.5, datetime(2021, 1, 1), 2],  # noqa: DTZ001
        ["b", None, datetime(2020, 12, 31), 1],  # noqa: DTZ001
    ]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0", 0),
        ("-7", -7),
        ("0.1", 0.1),
        ("9.95", 9.95),
        ("123456789012345", 123456789012345),
        ("1234567890123.45", 1234567890123.45),
        ("120000000000000000000", 1.2e20),
        ("1234567890123456", "1234567890123456"),
        ("0.1234567890123456", "0.1234567890123456"),
        ("1" + "0" * 400, "1" + "0" * 400),
    ],
)
def test_a_number_is_a_number_if_a_double_keeps_its_digits_and_else_text(
    cell: str, value: float | str
) -> None:
    assert sheet(written([["n"], [cell]], ["number"]))[1] == [value]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2020-12-31", datetime(2020, 12, 31)),  # noqa: DTZ001
        ("1900-03-01", datetime(1900, 3, 1)),  # noqa: DTZ001
        ("9999-12-31", datetime(9999, 12, 31)),  # noqa: DTZ001
        ("2020-12-31T23:59", datetime(2020, 12, 31, 23, 59)),  # noqa: DTZ001
        ("2020-12-31 23:59:58", datetime(2020, 12, 31, 23, 59, 58)),  # noqa: DTZ001
        ("2020-12-31T23:59:58.120000", datetime(2020, 12, 31, 23, 59, 58, 120_000)),  # noqa: DTZ001
        ("2020-12-31T23:59:58.1234", "2020-12-31T23:59:58.1234"),
        ("1900-02-28", "1900-02-28"),
        ("0001-01-01", "0001-01-01"),
        ("2020-12-31T23:59:58Z", "2020-12-31T23:59:58Z"),
    ],
)
def test_a_date_is_a_date_if_spreadsheets_hold_it_and_else_text(
    cell: str, value: datetime | str
) -> None:
    assert sheet(written([["d"], [cell]], ["date"]))[1] == [value]


@pytest.mark.parametrize(
    "text", ["=1+1", "{=A1}", "+1", "-1", "@x", "https://example.com/", "mailto:a@b", "007", "1e5"]
)
def test_a_text_is_never_a_formula_a_link_or_a_number(text: str) -> None:
    content = written([["=name"], [text]], ["text"])

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml").decode()
        assert not any("rels" in name and "sheet1" in name for name in archive.namelist())
    assert "<f>" not in xml
    assert xml.count('t="inlineStr"') == 2


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
        min_size=1,
        max_size=4,
    )
)
def test_every_text_is_read_as_it_was(texts: list[str]) -> None:
    found = sheet(written([["t"], *([text] for text in texts)], ["text"]))

    assert [unescaped(row[0]) for row in found[1:]] == texts


def unescaped(text: str) -> str:
    """Return a text without the escapes of ECMA-376, 22.4.2.4, which openpyxl leaves to others."""
    return str(unescape(text))


def test_the_same_rows_are_the_same_bytes() -> None:
    rows = [["k", "n"], ["a", "1"]]

    assert written(rows, ["text", "number"]) == written(rows, ["text", "number"])


def test_more_rows_than_a_sheet_has_are_refused() -> None:
    xlsx.check_size(LIMIT - 1, 1)
    with pytest.raises(MalformedInput, match=r"has 1048576 rows, and a sheet has at most 1048575"):
        xlsx.check_size(LIMIT, 1)
    with pytest.raises(MalformedInput, match=r"has 16385 columns"):
        xlsx.check_size(1, 16_385)


def test_a_text_longer_than_a_cell_is_refused_with_its_row_and_column() -> None:
    longest = "\N{GRINNING FACE}" * 16_383 + "x"

    assert sheet(written([["t"], [longest]], ["text"]))[1] == [longest]
    with pytest.raises(MalformedInput, match=r"row 2 of the result has a text of 32768"):
        written([["t"], ["a"], [longest + "x"]], ["text"])


def test_a_result_with_too_long_a_text_fails_its_job_at_once() -> None:
    aggregation = Aggregation((GroupColumn("k"),), output="xlsx")

    with pytest.raises(MalformedInput, match="32768 characters in column 'k'") as refused:
        run(b"k\n" + b"x" * 32_768 + b"\n", aggregation)
    assert refused.value.report is not None


def test_the_preview_has_the_first_rows_as_the_kernel_wrote_them() -> None:
    with tempfile.TemporaryDirectory() as name:
        rows = Path(name) / "result"
        lines = ['"a\n""b",1\n' for _ in range(1500)]
        rows.write_text("k,n\n" + "".join(lines))

        xlsx.write({"rows": str(rows), "kinds": ["text", "number"]})

        assert (Path(name) / "preview.csv").read_text() == "k,n\n" + "".join(lines[:1000])


def test_results_equal_those_in_csv() -> None:
    data = "k,n\n" + "".join(f"k{i % 700},{i}.25\n" for i in range(5000))
    aggregation = Aggregation(
        (GroupColumn("k"),), (Aggregate("sum", "n", "s", "number"),), output="csv"
    )

    plain = run(data.encode(), aggregation)[0].decode()
    found = sheet(run(data.encode(), replace(aggregation, output="xlsx"))[0])

    expected = list(csv.reader(io.StringIO(plain)))
    assert found[0] == expected[0]
    assert [[k, float(n)] for k, n in found[1:]] == [[k, float(n)] for k, n in expected[1:]]
