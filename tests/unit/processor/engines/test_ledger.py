from __future__ import annotations

import csv
import io

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from processor.engines.ledger import TAIL, Census, Ledger
from tests.csv_files import Style, encode, numbers, styles, texts

tables = st.lists(st.tuples(texts, texts, numbers).map(list), min_size=1, max_size=20)


def census_of(data: bytes, block: int = 7, ending: bytes = b"\n") -> Census:
    census = Census(ending=ending)
    for at in range(0, len(data), block):
        piece = data[at : at + block]
        census.add(piece, len(piece))
    return census


def ledger_of(rows: list[list[str]]) -> Ledger:
    fields = [field for row in rows for field in row]
    return Ledger(
        rows=len(rows),
        columns=3,
        text=sum(len(field.encode()) for field in fields),
        quotes=sum(field.count('"') for field in fields),
        quotes_before_blanks=sum(
            field.count('" ') + (field.startswith(" ") and any(c in field for c in ",\r\n"))
            for field in fields
        ),
        returns=sum(field.count("\r") for field in fields),
        crlfs=sum(field.count("\r\n") for field in fields),
    )


def balance(ledger: Ledger, data: bytes, ending: bytes) -> bool:
    return ledger.balances(census_of(data, ending=ending), ending)


def write(rows: list[list[str]], style: Style) -> bytes:
    return encode(rows, style).removeprefix(b"\xef\xbb\xbf")


@given(tables, styles)
def test_a_correct_parse_balances_in_any_style(rows: list[list[str]], style: Style) -> None:
    # It is unknown whether such a field has needless quotes, so the exact plan reads it.
    assume(not style.quote_all or not any(f.startswith(" ") for row in rows for f in row))
    data = write(rows, style)
    parsed = [row for row in csv.reader(io.StringIO(data.decode(), newline="")) if row]

    assert balance(ledger_of(parsed), data, style.ending.encode())


@given(tables)
def test_a_correct_parse_of_the_output_of_the_csv_module_balances(rows: list[list[str]]) -> None:
    # Such a field could also be read from a file without quotes around it: see above.
    assume(not any(f.startswith(" ") and '"' in f for row in rows for f in row))
    data = io.StringIO()
    csv.writer(data, lineterminator="\r\n").writerows(rows)

    assert balance(ledger_of(rows), data.getvalue().encode(), b"\r\n")


@given(tables, styles, st.data())
def test_a_lost_row_a_duplicated_row_or_an_added_blank_never_balances(
    rows: list[list[str]], style: Style, draw: st.DataObject
) -> None:
    data = write(rows, style)
    chosen = draw.draw(st.integers(0, len(rows) - 1))
    blank = [*rows[:chosen], [rows[chosen][0] + " ", *rows[chosen][1:]], *rows[chosen + 1 :]]

    for wrong in (rows[:chosen] + rows[chosen + 1 :], [*rows, rows[chosen]], blank):
        assert not balance(ledger_of(wrong), data, style.ending.encode())


@pytest.mark.parametrize(
    ("row", "parsed"),
    [
        (b' "a",b,1', ["a", "b", "1"]),
        (b'"a" ,b,1', ["a", "b", "1"]),
        (b'"a" "b",b,1', ["a b", "b", "1"]),
        (b'"a" ",b",b,1', ["a ,b", "b", "1"]),
        (b'"" "a",b,1', [" a", "b", "1"]),
        (b"a,b,1\n", ["a", "b", "1"]),
        (b"a,b,1\r", ["a", "b", "1"]),
    ],
)
@pytest.mark.parametrize("other", ["plain", 'say "so"', '7" single', '"quoted"', 'a "b" c'])
def test_rows_that_duckdb_misreads_do_not_balance(
    row: bytes, parsed: list[str], other: str
) -> None:
    # Another row whose quotes can be written in two ways must not hide the misreading.
    line = f"{other},b,1\n".encode()
    if other.startswith('"'):
        line = b'"""quoted""",b,1\n'
    for copies in range(5):
        rows = [[other, "b", "1"]] * copies
        data = line * copies + row + b"\n" + line

        assert not balance(ledger_of([*rows, parsed, [other, "b", "1"]]), data, b"\n")


@pytest.mark.parametrize(
    ("row", "parsed"),
    [
        (b"a,b,1,", ["a", "b", "1"]),
        (b' "a",b,1', ["a", "b", "1"]),
        (b'"a" ,b,1', ["a", "b", "1"]),
        (b"\na,b,1", ["a", "b", "1"]),
    ],
)
def test_an_extra_byte_is_not_balanced_by_a_missing_carriage_return(
    row: bytes, parsed: list[str]
) -> None:
    line = b'a,"x\ny\r\n",1\r\n'
    rows = [["a", "x\ny\r\n", "1"], parsed, ["a", "x\ny\r\n", "1"]]
    for wrong in (line + row + b"\n" + line, line[:-2] + b"\n" + row + b"\r\n" + line):
        ledger = ledger_of(rows)
        for block in (1, 2, 7, 1000):
            assert not ledger.balances(census_of(wrong, block, b"\r\n"), b"\r\n")
    assert balance(ledger_of([rows[0], rows[2]]), 2 * line, b"\r\n")


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_row_that_ends_in_a_carriage_return_does_not_balance(ending: bytes) -> None:
    rows = [["a", "x\r\ny\r", "1"], ["a", "b", ""], ["c", "d", "2"]]
    first, last = b'a,"x\r\ny\r",1' + ending, b"c,d,2"
    wrong = [
        first + b"a,b,\r" + last + ending,
        # Another byte replaces the missing LF, so that the size is right.
        first + b"a,b,\r" + last + b"," + ending,
        first + b"a,b,\r" + ending + last + b"\n",
    ]

    assert balance(ledger_of(rows), first + b"a,b," + ending + last + ending, ending)
    for data in wrong:
        assert not balance(ledger_of(rows), data, ending)


def test_a_census_does_not_depend_on_block_sizes() -> None:
    data = b'"a" "b"," ""x"" y"\n' * 30

    censuses = [census_of(data, block) for block in (1, 2, 3, 50, 10_000)]

    assert {(c.size, c.quotes, c.quotes_before_blanks) for c in censuses} == {(570, 300, 90)}
    assert {c.tail for c in censuses} == {data[-TAIL:]}
    breaks = b"a\nb\r\n\r\r\n\n\n\r" * 30
    censuses = [census_of(breaks, block, b"\r\n") for block in (1, 2, 3, 50, 10_000)]
    assert {c.crlfs for c in censuses} == {60}
    assert {census_of(breaks, block).returns for block in (1, 2, 3, 50, 10_000)} == {120}
