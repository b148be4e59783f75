"""The presence of a header is detected only where the evidence is clear."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.aggregation.spec import Aggregate, Aggregation, Condition, GroupColumn
from shared.csv.dialect import UNDECLARED, Input
from shared.errors import MalformedInput
from shared.inspection.detect import detect_dialect, dialect_of

if TYPE_CHECKING:
    from shared.inspection.header import HeaderDecision


def found(data: bytes, declared: Input = UNDECLARED, *, whole: bool = True) -> HeaderDecision:
    return detect_dialect(data, whole=whole, declared=declared).header


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"Song,Plays\nx,1\ny,2\n", "column 2 is 'Plays', above numbers"),
        (b"Song,Day\nx,2020-01-31\ny,2020-02-01T10:00Z\n", "column 2 is 'Day', above dates"),
        (b"Land,2019,2020,kg\nx,1,2,3\ny,3,4,5\n", "column 4 is 'kg', above numbers"),
        (b"Land,2020-01-01,2020-02-01\nx,7,8\n", "column 2 is '2020-01-01', above numbers"),
        (b"n\n" + b"1\n" * 95 + b"x\n" * 5, "column 1 is 'n', above numbers"),
        (b"n,Day\n1,01/02/2020\n2,x\n", "column 1 is 'n', above numbers"),
        # Numbers in another notation than the declared one are as clear
        (b"Song;Preis\nx;1,50\ny;2,75\n", "column 2 is 'Preis', above numbers"),
        (b"Song;Day\nx;31.01.2020\n", "column 2 is 'Day', above numbers"),
        # An unclear column does not outweigh a clear one
        (b"Land,1.5,m,kg\nx,2.5,3,4\nx,2.5,7,9\n", "column 3 is 'm', above numbers"),
        (b"de,text\nde,more\nSong,n\n", None),
        (b"Song,Note\nx,y\n", "no evidence against a header"),
        (b"Song,Note\nx,y\nSong,Note\nz,y\n", "no evidence against a header"),
        (b"Song,Note\nx,\ny,\n", "no evidence against a header"),
        (b"Song,2020\nx,yes\ny,no\n", "no evidence against a header"),
        (b"Song,Plays\n", "there is no record below the first"),
        (b"", "there is no record below the first"),
    ],
)  # fmt: skip
def test_names_above_numbers_or_no_evidence_against_it_mean_a_header(
    data: bytes, reason: str | None
) -> None:
    if reason is None:
        assert found(data).header is None
    else:
        assert (found(data).header, found(data).reason) == (True, reason)
        assert dialect_of(data, whole=True, declared=UNDECLARED).header


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"2020-01-30,x\n2020-01-31,y\n", "column 1 is '2020-01-30'"),
        (b"x,1.5\ny,2\n", "column 2 is '1.5'"),
        (b"x,-3\ny,2\n", "column 2 is '-3'"),
        (b"48213\n2\n", "column 1 is '48213'"),
        (b"5,0,0\n2,7,1\n", "column 2 is '0'"),
        (b"x,48213\ny,2\nx,3\n", "column 2 is '48213'"),
        (b"x,-3,500\ny,2,600\n", "column 2 is '-3'"),
        (b"2020-01-30,x,500\n2020-01-31,y,600\n", "column 1 is '2020-01-30'"),
        (b"de,1\nde,2\nat,2\n", "column 1 is 'de'"),
        (b"\n\nde,1\nde,2\n", "column 1 is 'de'"),
    ],
)
def test_a_first_line_that_is_clearly_a_record_is_not_a_header(data: bytes, shown: str) -> None:
    verdict = found(data)
    line = 3 if data.startswith(b"\n") else 1
    assert (verdict.header, verdict.reason) == (False, f"line {line} is a record: {shown}")
    assert not dialect_of(data, whole=True, declared=UNDECLARED).header


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"a,1\nb,2\n", "column 2 is '1'"),
        # As many columns speak against a header as for it
        (b"plain;0,00\n1,2;0,00\n", "column 2 is '0,00'"),
        (b'plain,"0,00"\n"1,2","0,01"\n', "column 2 is '0,00'"),
        # A total or a second table below, so that the column is not one of numbers
        (b"5.70;x\n2;y\nTotal;\n", "column 1 is '5.70'"),
        (b"x;0,64\ny;26,12\nOther;table\n", "column 2 is '0,64'"),
        (b"x,2020-01-31\ny,2020-02-01\nTotal,all\n", "column 2 is '2020-01-31'"),
        (b"x,7\ny,9\nTotal,all\n", "column 2 is '7'"),
        (b"1,2\n3,4\n", "column 1 is '1'"),
        (b"Land,2019,2020\nx,1,2\ny,3,4\n", "column 2 is '2019'"),
        # Large or repeated numbers beside a text that does not recur
        (b"Size,500,250\na,1,2\nb,3,4\n", "column 2 is '500'"),
        (b"2019,500\na,3\nb,5\n", "column 2 is '500'"),
        (b"2019,500\na,3\nb,5\n2019,500\n", "column 2 is '500'"),
        # A number with decimals, though they are zeros, beside a text above figures
        (b'0.00,"x,y"\n0.00,"1,2"\n', "column 1 is '0.00'"),
        # A cell that recurs, beside a text above figures
        (b'"Meier, A",x\n"Meier, A","1,2"\n', "column 1 is 'Meier, A'"),
        (b'0,"x,y"\n0,"1,2"\n', "column 1 is '0'"),
        (b"name,4,4\nx,1,2\ny,3,4\n", "column 2 is '4'"),
        (b"x,48213\ny,2\n", "column 2 is '48213'"),
        (b"x,5,0,0\ny,2,7,1\n", "column 3 is '0'"),
        (b"Land,2019,2019\nsold,1,2\ny,3,4\n", "column 2 is '2019'"),
        (b"Hour,0,1,2,3\nx,5,6,7,8\n", "column 2 is '0'"),
        (b"Sample,400.5,401,401.5\nx,0.1,0.2,0.3\n", "column 2 is '400.5'"),
        (b"Day,10023,10024\n,5,6\n", "column 2 is '10023'"),
        (b"x,12:30\ny,13:45\n", "column 2 is '12:30'"),
        (b"31.01.2020;x\n01.02.2020;y\n", "column 1 is '31.01.2020'"),
        # The first cell of a column of numbers is missing, or wrong
        (b"n/a,2020-01-30,5\n1,2020-01-31,6\n", None),
        (b"none yet,2020-01-30,5\n1,2020-01-31,6\n", "column 2 is '2020-01-30'"),
        # Only text, with repeated values
        (b"de,Berlin\nde,Hamburg\n", "column 1 is 'de'"),
        # Only one record
        (b"x,2020-01-31\n", "column 2 is '2020-01-31'"),
        (b"Land,2019\n", "column 2 is '2019'"),
    ],
)
def test_an_undecided_header_must_be_declared(data: bytes, shown: str | None) -> None:
    verdict = found(data)
    if shown is None:
        assert verdict.header is False
        return
    message = f"line 1 looks like a record ({shown}): set input.header to true or false"
    assert (verdict.header, verdict.reason) == (None, message)
    with pytest.raises(MalformedInput) as raised:
        dialect_of(data, whole=True, declared=UNDECLARED)
    assert str(raised.value) == message
    for said in (True, False):
        assert dialect_of(data, whole=True, declared=Input(header=said)).header is said


def test_numbers_follow_the_declared_notation() -> None:
    data = b"x;1.234,5\ny;2,75\n"
    assert found(data, Input(delimiter=";")).header is None
    assert found(data, Input(delimiter=";", decimal=",", thousands=".")).header is False


def test_a_column_name_in_the_spec_means_a_header() -> None:
    for named in (
        Aggregation((GroupColumn("a"), GroupColumn(2))),
        Aggregation((GroupColumn(1),), (Aggregate("sum", "1", kind="number"),)),
        Aggregation((GroupColumn(1),), where=Condition("b", "=", ("2",))),
    ):
        assert named.known_input == Input(header=True)
    by_position = Aggregation((GroupColumn(1),), (Aggregate("sum", 2, kind="number"),))
    assert by_position.known_input == UNDECLARED
    said = Aggregation((GroupColumn("column1"),), input=Input(header=False))
    assert said.known_input.header is False


def test_the_default_aggregation_takes_the_first_line_as_the_header() -> None:
    strict = detect_dialect(b"a,b,1\na,b,2\n", whole=True, declared=UNDECLARED, strict=True)
    assert strict.dialect.header
    assert strict.header.header


def test_the_known_part_of_a_first_record_that_the_sample_cuts_is_used() -> None:
    names, numbers = ((",".join(f"{p}{i}" for i in range(300_000))).encode() for p in ("c", ""))
    assert found(names, whole=False).header
    assert found(numbers, whole=False).header is None


names = st.text(st.characters(categories=["Lu", "Ll"]), min_size=1, max_size=8)
texts = st.text(st.characters(categories=["Lu", "Ll", "Zs", "Po"]), min_size=1, max_size=8)
values = st.integers(-(10**9), 10**9).map(str) | st.dates().map(str)


def _written(rows: list[list[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


@given(st.lists(st.tuples(texts, values).map(list), min_size=1, max_size=30), names, names)
def test_no_record_is_read_as_a_header_and_no_header_as_a_record(
    rows: list[list[str]], first: str, second: str
) -> None:
    # Numbers or dates, one kind per file
    dates = "-" in rows[0][1][1:]
    rows = [row for row in rows if ("-" in row[1][1:]) == dates]

    assert found(_written(rows)).header is not True
    assert found(_written([["n" + first, "n" + second], *rows])).header is True


def test_numbers_of_a_thousand_digits_are_values() -> None:
    row = b"1" * 1000 + b"," + b"-2" * 1 + b"3" * 999 + b"\n"
    found = detect_dialect(row * 3, whole=True, declared=UNDECLARED)
    assert found.header.header is not True


def test_a_header_that_only_numbers_with_commas_show_is_assumed() -> None:
    """They may be numbers below a name, or lists below a list."""
    for data in (b',"x,y,z"\nz,"1,2"\n', b"Song;Preis\nx;1,50\n"):
        listed = found(data)
        assert (listed.header, listed.assumed) == (True, True)
    for data in (b"a,b\nz,12\n", b"Song;Day\nx;31.01.2020\n", b"Song;Preis;n\nx;1,50;3\n"):
        numbers = found(data)
        assert (numbers.header, numbers.assumed) == (True, False)
