"""Workbooks as input, written by another library than the one that reads them."""

from __future__ import annotations

import errno
import io
import zipfile
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
import xlsxwriter

from processor.engines.workbook import sheet_as_csv
from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.compression import compression_of
from shared.csv.dialect import Input
from shared.errors import MalformedInput
from tests.unit.processor.engines.kernel import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SUM = Aggregation((GroupColumn("k"),), (Aggregate("sum", "n", "total", "number"),))


def book(
    sheets: Mapping[str, Sequence[Any]], *, hidden: Sequence[str] = (), **options: Any
) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"default_date_format": "yyyy-mm-dd hh:mm", **options}) as made:
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
            sheet.hide() if name in hidden else sheet.activate()
    return out.getvalue()


def as_csv(content: bytes, sheet: str | int | None = None, decimal: str = ".") -> str:
    pieces = sheet_as_csv(
        io.BytesIO(content), sheet=sheet, decimal=decimal, memory=1 << 29, max_size=1 << 30
    )
    return b"".join(pieces).decode()


@pytest.mark.parametrize("stream", [False, True])
def test_a_sheet_is_aggregated_as_csv_is(stream: bool) -> None:
    rows = [["k", "n"], *(["a" if i % 2 else "b", i + 0.25] for i in range(1000))]

    found = run(book({"Sheet1": rows}), SUM, stream=stream)

    totals = [sum(i + 0.25 for i in range(begin, 1000, 2)) for begin in (1, 0)]
    assert found[0].decode() == "k,total\na,{:.2f}\nb,{:.2f}\n".format(*totals)
    assert found[1] == (1000, 0, 0)


def test_cells_are_written_as_what_they_are() -> None:
    cells = [
        "text, with \"quotes\"\nand lines", "007", 7, 1.5, 1 / 3, 1e21, True, "", "  ",
        datetime(2026, 11, 30), datetime(2026, 11, 30, 12, 5, 1),  # noqa: DTZ001
    ]  # fmt: skip

    assert as_csv(book({"S": [cells]})) == (
        '"text, with ""quotes""\nand lines",007,7,1.5,0.3333333333333333,'
        "1000000000000000000000,TRUE,,  ,2026-11-30,2026-11-30T12:05:01\n"
    )


def test_numbers_have_the_declared_decimal_separator() -> None:
    assert as_csv(book({"S": [["1,5", 2.5]]}), decimal=",") == '"1,5","2,5"\n'


def test_times_and_durations_are_texts() -> None:
    made = openpyxl.Workbook()
    made.worksheets[0].append([time(9, 30), timedelta(hours=30, minutes=2), date(2026, 1, 2)])
    out = io.BytesIO()
    made.save(out)

    assert as_csv(out.getvalue()) == "09:30:00,30:02:00,2026-01-02\n"


def test_rows_without_a_value_are_left_out_and_others_are_as_wide_as_those_before() -> None:
    rows = [[], ["a", "b", "c"], [None], [1], ["", "x", None, None], [1, 2, 3, 4]]

    assert as_csv(book({"S": rows})) == "a,b,c\n1,,\n,x,\n1,2,3,4\n"


def test_a_sheet_is_found_by_name_or_number_and_must_be_named_if_there_are_several() -> None:
    content = book({"One": [["1"]], "Two": [["2"]], "Old": [["3"]]}, hidden=["Old"])

    assert as_csv(content, "Two") == as_csv(content, 2) == "2\n"
    assert as_csv(content, "Old") == as_csv(content, 3) == "3\n"
    with pytest.raises(MalformedInput, match=r"has 2 sheets: name one .* 'One', 'Two', 'Old'"):
        as_csv(content)
    for missing in ("three", 4):
        with pytest.raises(MalformedInput, match="no such sheet; there are 'One'"):
            as_csv(content, missing)


def test_the_only_visible_sheet_need_not_be_named() -> None:
    assert as_csv(book({"Old": [["1"]], "New": [["2"]]}, hidden=["Old"])) == "2\n"


def test_a_formula_counts_with_the_value_that_was_stored_and_is_refused_without_one() -> None:
    made = openpyxl.Workbook()
    made.worksheets[0].append(["n", 1])
    made.worksheets[0].append(["=B1+1"])
    out = io.BytesIO()
    made.save(out)
    with pytest.raises(MalformedInput, match="cell A2 of sheet 'Sheet' has a formula without its"):
        as_csv(out.getvalue())

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as computed:
        computed.add_worksheet().write_formula(0, 0, "=1+1", None, 2)
    assert as_csv(out.getvalue()) == "2\n"


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def without(name: str) -> Callable[[bytes], bytes]:
    return lambda content: zipped({k: v for k, v in parts(content).items() if k != name})


def with_part(name: str, data: bytes) -> Callable[[bytes], bytes]:
    return lambda content: zipped({**parts(content), name: data})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:-40], "damaged"),
        (lambda content: content[:200] + bytes(100) + content[300:], "damaged"),
        (without("xl/workbook.xml"), "no workbook"),
        (without("xl/worksheets/sheet1.xml"), "no such sheet; there are none"),
        (with_part("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row>"), "damaged"),
        (with_part("xl/workbook.xml", b"\0\0"), "damaged"),
        (with_part("xl/sharedStrings.xml", bytes(65 << 20)), "sharedStrings.xml .* 65 MiB, and 64"),
        (with_part("xl/styles.xml", bytes(65 << 20)), r"styles.xml .* 65 MiB, and 64 MiB fit"),
        (with_part("xl/worksheets/sheet9.xml", bytes(1 << 30)), "more than 1073741824 bytes once"),
    ],
)
def test_a_damaged_or_excessive_workbook_is_refused(
    damage: Callable[[bytes], bytes], message: str
) -> None:
    with pytest.raises(MalformedInput, match=message):
        as_csv(damage(book({"S": [["text", "n"], ["a", 1]]})))


def test_a_fault_of_the_disk_is_not_taken_for_a_damaged_workbook() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    file = Failing(book({"Sheet": [["a"], [1]]}))
    with pytest.raises(OSError, match="Input/output error"):
        list(sheet_as_csv(file, sheet=None, decimal=".", memory=1 << 28, max_size=1 << 20))


def test_a_cell_far_to_the_right_and_below_takes_no_memory_for_those_before() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as made:
        sheet = made.add_worksheet()
        sheet.write(0, 0, "k")
        sheet.write(1_048_575, 16_383, 1)

    assert as_csv(out.getvalue()) == "k\n" + "," * 16_383 + "1\n"


def test_entities_of_a_part_are_not_expanded_without_end() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 1000 + b'">'
    for i in range(10):
        name, before = bytes([98 + i]), bytes([97 + i])
        bomb += b"<!ENTITY " + name + b' "' + (b"&" + before + b";") * 10 + b'">'
    bomb += b"]><sst><si><t>&k;</t></si></sst>"
    with pytest.raises(MalformedInput):
        as_csv(with_part("xl/sharedStrings.xml", bomb)(book({"S": [["text"]]})))


@pytest.mark.parametrize("name", ["[Content_Types].xml", "docProps/app.xml", "xl/workbook.xml"])
def test_a_workbook_is_told_by_its_first_part(name: str) -> None:
    assert compression_of(zipped({name: b"<x/>"})) == "xlsx"
    assert compression_of(zipped({"plays.csv": b"a,b\n"})) == "zip"


def test_a_job_says_what_is_wrong_with_a_workbook_and_with_a_sheet_of_another_file() -> None:
    two = book({"One": [["k", "n"]], "Two": [["k", "n"], ["a", 2]]})
    with pytest.raises(MalformedInput, match=r"name one as input\.sheet"):
        run(two, SUM)
    of_two = replace(SUM, input=Input(sheet="Two"))
    assert run(two, of_two)[0] == b"k,total\na,2\n"
    with pytest.raises(
        MalformedInput, match=r"input\.sheet is given, but the file is not a workbook"
    ):
        run(b"k,n\na,1\n", of_two)
