"""How `python -m benchmarks.engines` compares results, and what its table tells."""

from pathlib import Path

import pytest

from benchmarks.engines import table
from benchmarks.engines.result import Content, bytes_digest, content
from benchmarks.engines.rows import GIB, Row, Variant
from benchmarks.engines.runner import KERNEL, OTHER, Measured, Measurement
from benchmarks.engines.task import Answer

KINDS = ("text", "number", "mean")
RESULT = 'Song,sum(Price),avg\n"a ""b"",\nc",12.50,1.23456789\nd,3,\n'


def content_of(text: str, folder: Path) -> Content:
    path = folder / "result.csv"
    path.write_bytes(text.encode())
    return content(path, KINDS)


@pytest.mark.parametrize(
    "other",
    [
        '"s","t","a"\r\n"a ""b"",\nc","12.5","1.234567"\r\n"d","3.0",""\r\n',
        's,t,a\n"a ""b"",\nc",1.25e1,1.23456888\nd,03.00,\n',
    ],
    ids=["quoted", "other notations"],
)
def test_results_that_differ_in_notation_only_are_the_same(other: str, tmp_path: Path) -> None:
    assert content_of(other, tmp_path).same(content_of(RESULT, tmp_path))


@pytest.mark.parametrize(
    ("cell", "other"),
    [
        ("12.50", "12.51"),
        ("1.23456789", "1.234569"),
        ("d,3", "D,3"),
        ("d,3,", "d,3,0"),
        ("\nc", "c"),
    ],
)
def test_results_with_other_values_are_not_the_same(cell: str, other: str, tmp_path: Path) -> None:
    changed = content_of(RESULT.replace(cell, other), tmp_path)
    assert not changed.same(content_of(RESULT, tmp_path))


def test_a_cell_in_another_column_is_another_value(tmp_path: Path) -> None:
    first = content_of("a,b,c\nx,1,\n", tmp_path)
    assert not first.same(content_of("a,b,c\nx,,1\n", tmp_path))


def test_the_digest_of_the_bytes_leaves_the_header_out(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"a\n1\n")
    second.write_bytes(b"sum(a)\n1\n")
    assert bytes_digest(first) == bytes_digest(second)


def measured(seconds: float, memory: int = 0, failure: str = "", found: str = "same") -> Measured:
    return Measured([Answer(seconds, memory, 7, failure)], {found: Content(found, [])})


ROW = Row("sum", "few_groups", "plays", 2.0, memory=GIB)


def test_the_ratio_is_that_to_the_best_peer_that_finished() -> None:
    engines = {
        KERNEL: measured(1.0),
        "duckdb": measured(3.0),
        "polars": measured(0.0, failure="over 1,024 MiB"),
        "chdb": measured(2.0, found="another"),
    }
    measurement = Measurement(ROW, engines)
    assert table.ratio(measurement) == 2.0
    assert table.reached(measurement)
    assert not measurement.differs("duckdb")
    assert measurement.differs("chdb")


@pytest.mark.parametrize(
    ("kernel", "reached"),
    [
        (measured(1.0, GIB * 105 // 100), True),
        (measured(1.0, GIB * 106 // 100), False),
        (measured(1.01), False),
    ],
    ids=["within 5 %", "over the budget", "too slow"],
)
def test_a_row_is_reached_within_time_and_memory(kernel: Measured, reached: bool) -> None:
    assert table.reached(Measurement(ROW, {KERNEL: kernel, "duckdb": measured(2.0)})) == reached


def test_another_result_of_the_kernel_is_never_right() -> None:
    row = Row("pipe", "few_groups", "plays", 0.8, other=Variant())
    engines = {KERNEL: measured(1.0), OTHER: measured(1.0, found="another")}
    assert not table.reached(Measurement(row, engines))


def test_the_tables_replace_those_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    monkeypatch.setattr(table, "PAGE", page)
    table.write("| new |\n")
    expected = f"before\n{table.BEGIN}\n\n| new |\n\n{table.END}\nafter\n"
    assert page.read_text() == expected
