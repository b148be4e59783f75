"""The record below the header that has the units of the columns."""

from __future__ import annotations

import pytest

from shared.csv.dialect import UNDECLARED, Input
from shared.inspection.detect import detect_dialect


def found(data: bytes, declared: Input = UNDECLARED) -> tuple[int, str] | None:
    return detect_dialect(data, whole=True, declared=declared).dialect.unit_row


@pytest.mark.parametrize(
    ("data", "declared", "row"),
    [
        (b"city,temp,area\n,kg,km2\na,1,2\nb,3,4\n", UNDECLARED, (2, "',kg,km2'")),
        (b"city,temp\n-,[K]\na,1\nb,3\n", UNDECLARED, (2, "'-,[K]'")),
        (b"city;temp\n(text);mystery\na;1\nb;3\n", UNDECLARED, (2, "'(text);mystery'")),
        (b"day;temp\nDays;%\n2020-01-01;1\n2020-01-02;3\n", UNDECLARED, (2, "'Days;%'")),
        (b"city;temp\r;kg\ra;1\rb;3\r", UNDECLARED, (2, "';kg'")),
        (b'"city";"temp"\n"";"kg"\n"a";"1"\n"b";"3"\n', UNDECLARED, (2, "';kg'")),
        ("city;temp\n;°C\na;1\nb;3\n".encode("utf-16"), UNDECLARED, (2, "';°C'")),
        (b"city;temp\n;kg;\na;1;\nb;3;\n", UNDECLARED, (2, "';kg'")),
        # Numbers may be missing for all
        (b"city;temp\n;kg\na;\nb;\n", UNDECLARED, (2, "';kg'")),
        # Lines are those of the file
        (b"sep=;\ncity;temp\n;kg\na;1\nb;3\n", UNDECLARED, (3, "';kg'")),
        (b"Title\ncity;temp\n;kg\na;1\nb;3\n", Input(skip_lines=1), (3, "';kg'")),
        # Records of another width are bad, and no reason to be silent of it
        (b"city;temp\n;kg\na;1\nb;3;4\nc;5\n", UNDECLARED, (2, "';kg'")),
        # Numbers as they are declared, or as they may be
        (b"city;temp\n;kg\na;1,5\nb;3,5\n", UNDECLARED, (2, "';kg'")),
        (b"city;temp\n;kg\na;1,5\nb;3,5\n", Input(decimal=","), (2, "';kg'")),
    ],
)
def test_a_row_of_units_is_found_with_its_line(
    data: bytes, declared: Input, row: tuple[int, str]
) -> None:
    assert found(data, declared) == row


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        # A text that is no unit, above texts
        (b"city,temp\nx,kg\na,1\nb,3\n", UNDECLARED),
        # Words for missing values, and numbers
        (b"city,temp\n,n/a\na,1\nb,3\n", UNDECLARED),
        (b"city,temp,area\n,kg,0\na,1,2\nb,3,4\n", UNDECLARED),
        # A text above nothing
        (b"city,note\n,late\na,\nb,\n", UNDECLARED),
        # A long text above numbers
        (b"city,temp\n,not measured yet\na,1\nb,3\n", UNDECLARED),
        # No column of numbers
        (b"city,kind\nm,kg\na,x\nb,y\n", Input(header=True)),
        # Too few records to compare with
        (b"city,temp\n,kg\na,1\n", UNDECLARED),
        # Not in the table, or no header
        (b"city;temp\nkg;m\n1;1\n2;3\n", Input(comment="kg")),
        (b"city;temp\n;kg\na;1\nb;3\n", Input(header=False)),
        (b"temp\n", UNDECLARED),
    ],
)
def test_other_records_are_no_units(data: bytes, declared: Input) -> None:
    assert found(data, declared) is None
