"""Integers that may be Unix times are noted, and never read as such unless that is declared."""

from __future__ import annotations

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Input
from shared.inspection.inspect import inspect

SECONDS = "'1577836800' is read as a number; if it is a time, in seconds since 1970 (2020-01-01), "
SECONDS += "set input.date to 'epoch'"
MILLISECONDS = "'1577836800000' is read as a number; if it is a time, in milliseconds since 1970 "
MILLISECONDS += "(2020-01-01), set input.date to 'epoch_ms'"


@pytest.mark.parametrize(
    ("name", "cells", "note"),
    [
        ("n", ["1577836800", "1577836801", "2099999999"], SECONDS),
        ("n", ["1577836800000", "1577836801000", "1577836802000"], MILLISECONDS),
        ("Created_At", ["1577836800"], SECONDS),
        ("ts", ["1577836800", "", "1577836800"], SECONDS),
        ("timestamp", ["1577836800000"], MILLISECONDS),
        # Few numbers in a column with another name, of another range, or of several lengths
        ("n", ["1577836800", "1577836801", "1577836800"], None),
        ("parts", ["1577836800", "1577836801"], None),
        ("isbn", ["9783161484100", "9780306406157", "9781861972712"], None),
        ("date", ["2100000000"], None),
        ("date", ["0577836800"], None),
        ("date", ["1577836800", "1577836800000"], None),
        ("date", ["1577836800", "7"], None),
        ("date", ["1577836800", "x"], None),
        ("date", ["20200101"], None),
    ],
)
def test_a_column_that_may_have_unix_times_gets_a_note(
    name: str, cells: list[str], note: str | None
) -> None:
    data = f"k,{name}\n" + "".join(f"a,{cell}\n" for cell in cells)
    found = inspect(data.encode(), whole=True, aggregation=None)
    expected = [] if note is None else [f"column 2 ({name!r}): {note}"]
    assert list(found.notes) == expected
    assert found.proposal is None


def test_a_declared_format_of_dates_needs_no_note() -> None:
    declared = Input(date="epoch", header=True)
    asked = Aggregation((GroupColumn(2, truncate="day"),), (Aggregate("count"),), input=declared)
    found = inspect(b"k,date\na,1577836800\n", whole=True, aggregation=asked)
    assert (found.notes, found.fits and found.fits.error) == ((), None)
