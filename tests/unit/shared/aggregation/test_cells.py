from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.cells import (
    EXPECTED,
    Notation,
    read_integer,
    read_number,
)
from shared.aggregation.dates import read_date, truncated

if TYPE_CHECKING:
    from shared.aggregation.kinds import Kind


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (b"42", "42"),
        (b"-0.50", "-0.50"),
        (b"+.5", "0.5"),
        (b"5.", "5"),
        (b"1e3", "1E+3"),
        (b"1.5E-400", "1.5E-400"),
        (b"9" * 5000, "9" * 5000),
    ],
)
def test_numbers_are_read_exactly(cell: bytes, number: str) -> None:
    assert str(read_number(cell)) == str(Decimal(number))


@pytest.mark.parametrize(
    "cell",
    [
        *(b"", b" 1", b"1 ", b"1,5", b"1_000", b"0x10", b"NaN", b"inf", b"1e", b"e3", b"."),
        *(b"--1", b"1e401", b"1e-401", b"1e99999999999", "٣".encode(), b"1\n", b"1.2.3"),
    ],
)
def test_cells_that_are_not_plain_numbers_are_read_as_none(cell: bytes) -> None:
    assert read_number(cell) is None
    assert read_integer(cell) is None


@pytest.mark.parametrize("cell", [b"1.0", b"1e3", b"5."])
def test_integers_have_no_decimals_and_no_exponent(cell: bytes) -> None:
    assert read_integer(cell) is None


def test_dates_compare_by_time() -> None:
    texts = [b"2020-01-31", b"2020-01-31 00:00:00.5", b"2020-01-31T09:00", b"2020-02-01"]
    moments = [read_date(text) or (0, 0) for text in texts]

    assert moments == sorted(set(moments))
    assert read_date(b"2020-01-31") == read_date(b"2020-01-31T00:00:00.000")


@pytest.mark.parametrize(
    "cell",
    [
        *(b"2020-02-30", b"2021-02-29", b"2020-1-1", b"01/31/2020", b"20200131", b"2020-01-31T"),
        *(b"2020-01-31T24:00", b"2020-01-31 9:00", b"0000-01-01", b"", "\uff12020-01-01".encode()),
        *(b"2020-01-31 10:00:60", b"2020-01-31\n"),
    ],
)
def test_cells_that_are_not_plain_dates_are_read_as_none(cell: bytes) -> None:
    assert read_date(cell) is None
    assert truncated(cell, "year") is None


def test_a_cell_that_is_too_long_for_a_date_is_not_kept() -> None:
    assert truncated(b"2020-01-31T23:59:59.123456789+02:00", "month") == b"2020-01"
    for cell in (b"x" * 1000, b"2020-01-31T23:59:59.123456789+02:00 "):
        references = sys.getrefcount(cell)

        assert read_date(cell) is None
        assert truncated(cell, "month") is None
        assert sys.getrefcount(cell) == references


def test_dates_with_a_time_zone_can_be_truncated_and_not_compared() -> None:
    for cell in (b"2020-01-31T23:59:59Z", b"2020-01-31 23:59+02:00", b"2020-01-31T23:59-0800"):
        assert truncated(cell, "day") == b"2020-01-31"
        assert read_date(cell) is None


@pytest.mark.parametrize(
    ("cell", "week"),
    [
        (b"2021-01-03", b"2020-W53"),
        (b"2021-01-04", b"2021-W01"),
        (b"2018-12-31", b"2019-W01"),
        (b"0001-01-01", b"0001-W01"),
    ],
)
def test_weeks_follow_iso_8601(cell: bytes, week: bytes) -> None:
    assert truncated(cell, "week") == week


@pytest.mark.parametrize(
    ("decimal", "thousands", "cell", "number"),
    [
        (",", "", "1,5", "1.5"),
        (",", "", "-,5", "-0.5"),
        (",", "", "5,", "5"),
        (",", "", "1,5e3", "1500"),
        (",", "", "42", "42"),
        (",", "", "1.5", None),
        (",", "", "1,2,3", None),
        (",", ".", "1.234.567,89", "1234567.89"),
        (",", ".", "-1.234", "-1234"),
        (",", ".", "1234,5", "1234.5"),
        (",", ".", "1234.567", None),
        (",", ".", "1.23", None),
        (",", ".", "0.001", None),
        (",", ".", "1,234.5", None),
        (".", ",", "1,234.50", "1234.50"),
        (".", ",", "12,34", None),
        (".", " ", "1 234 567", "1234567"),
        (".", " ", "1\u00a0234\u00a0567", "1234567"),
        (".", " ", "1\u202f234", "1234"),
        (".", " ", "1 234\u00a0567", None),
        (".", " ", " 1", None),
        (".", "'", "1'234.5", "1234.5"),
        (".", "'", "1\u2019234", "1234"),
        (".", "_", "1_000", "1000"),
        (".", "_", "1__000", None),
        (".", ".", "1e500", None),
        (",", "", "", None),
    ],
)
def test_cells_are_read_in_the_declared_notation(
    decimal: str, thousands: str, cell: str, number: str | None
) -> None:
    readers = Notation(decimal, thousands).readers
    expected = None if number is None else Decimal(number)

    assert readers["number"](cell.encode()) == expected
    whole = expected is not None and not {decimal, "e"} & set(cell)
    assert readers["integer"](cell.encode()) == (expected if whole else None)


def test_examples_of_numbers_use_the_declared_notation() -> None:
    assert Notation(",", ".").expected("number") == "a number, such as 42, -0,5 or 1.234,5"
    assert Notation(",", ".").expected("integer") == "an integer, such as 42 or -1.234"
    assert Notation(",", ".").expected("date") == EXPECTED["date"]
    assert Notation().expected("number") == EXPECTED["number"]


@pytest.mark.parametrize(
    ("notation", "kind", "cell", "hint"),
    [
        (Notation(), "number", "1,5", "input.decimal to ','"),
        (Notation(), "number", "-12,50", "input.decimal to ','"),
        (Notation(), "number", "1,234", "input.thousands to ',' or input.decimal to ','"),
        (Notation(), "number", "1.234,5", "input.decimal to ',' and input.thousands to '.'"),
        (Notation(), "number", "1 234.5", "input.thousands to ' '"),
        (Notation(), "number", "1\u00a0234", "input.thousands to ' '"),
        (Notation(), "number", "1\u2019234", 'input.thousands to "\'"'),
        (Notation(), "integer", "1,234,567", "input.thousands to ','"),
        (Notation(), "integer", "1.234", "input.decimal to ',' and input.thousands to '.'"),
        (Notation(",", "."), "number", "1234.5", "input.decimal to '.' and input.thousands to ''"),
        (Notation(","), "number", "1.234,5", "input.thousands to '.'"),
        (Notation(), "integer", "1,5", None),
        (Notation(), "number", "1,5,", None),
        (Notation(), "number", "1,5 kg", None),
        (Notation(), "date", "1,5", None),
        (Notation(), "number", "", None),
    ],
)
def test_the_error_hints_at_the_notation_in_which_a_cell_is_a_number(
    notation: Notation, kind: Kind, cell: str, hint: str | None
) -> None:
    assert notation.hint(kind, cell.encode()) == hint
    expected = notation.expected(kind)
    text = f"{expected}; if it is one, set {hint}" if hint else expected
    assert expected + notation.suggestion(kind, cell.encode()) == text
