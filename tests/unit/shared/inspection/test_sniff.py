"""One bad record does not change the detected dialect."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.csv.dialect import STRICT, UNDECLARED, Dialect
from shared.inspection.detect import detect_dialect

if TYPE_CHECKING:
    from collections.abc import Callable


def found(data: bytes) -> Dialect:
    return detect_dialect(data, whole=True, declared=UNDECLARED).dialect


@pytest.mark.parametrize("row", [b"x\n", b"a,b,c\n", b'"x\n', b"a\rb,1\n", b"x;y\n"])
def test_text_in_single_quotes_stays_text_beside_a_bad_record(row: bytes) -> None:
    rows = b"".join(b"'k%d',%d\n" % (n % 7, n) for n in range(1000))

    assert found(b"key,n\n" + rows) == STRICT
    assert found(b"key,n\n" + rows + row) == STRICT
    assert found(b"key,n\n" + row + rows) == STRICT


def test_another_quote_or_escape_is_chosen_if_it_makes_records_well_formed() -> None:
    rows = b"'a,b',1\n'c,d',2\n"
    assert found(b"key,n\n" + rows * 30 + b"x,1\n" * 40).quote == "'"
    rows = b'"a ""b"" \\", c",1\n'
    assert found(b"key,n\n" + b'"a \\"b\\", c",1\n' * 3 + b"x,1\n" * 60).escape == "\\"
    assert found(b"key,n\n" + rows + b"x,1\n" * 60).delimiter == ","


def test_one_record_of_few_changes_the_quote_and_one_of_many_does_not() -> None:
    row = b"'a,b',1\n"
    assert found(b"key,n\n" + b"x,1\n" * 60 + row).quote == '"'
    assert found(b"key,n\n" + b"x,1\n" * 60 + row * 2).quote == "'"
    assert found(b"key,n\n" + b"x,1\n" * 5 + row).quote == "'"


@pytest.mark.parametrize("line", [b"x;1\n", b"'x';1\n", b'"x";1\n', b'"x;1\n', b"x\n"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_the_quote_of_most_lines_stays_that_of_the_file(quote: str, line: bytes) -> None:
    q = quote.encode()
    rows = b"".join(b"%sk %d%s;%d\n" % (q, n, q, n) for n in range(60))
    assert found(b"key;n\n" + rows + line).quote == quote
    assert found(b"key;n\n" + rows + line).delimiter == ";"


def test_one_line_feed_does_not_change_the_line_end() -> None:
    rows = b"".join(b"k%d;%d\r" % (n, n) for n in range(60))
    assert found(b"key;n\r" + rows + b"a\nb;1\r").line_end == "cr"
    rows = rows.replace(b"\r", b"\n")
    assert found(b"key;n\n" + rows + b"a\rb;1\n").line_end == "lf"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_header_without_an_end_has_its_most_frequent_delimiter(delimiter: str) -> None:
    names = delimiter.join(f"column {n}" for n in range(100_000)).encode()
    assert detect_dialect(names, whole=False, declared=UNDECLARED).dialect.delimiter == delimiter
    assert found(names + b"\n" + names + b"\n").delimiter == delimiter


STYLES: list[dict[str, Any]] = [
    {"quoting": csv.QUOTE_MINIMAL},
    {"quoting": csv.QUOTE_ALL},
    {"quoting": csv.QUOTE_NONNUMERIC},
    {"quoting": csv.QUOTE_ALL, "quotechar": "'"},
    {"quoting": csv.QUOTE_ALL, "doublequote": False, "escapechar": "\\"},
]
words = st.sampled_from(
    ["Umbrella", "Hello", "it's", "rock 'n' roll", "Ärzte", "a b", "x-y", "5 inch", "C:", ""]
)
prose = st.sampled_from(["Earth, Wind", "a; b", "AC|DC", 'the "best"', "two words", "Sigur Rós"])
columns = st.sampled_from([words, words | prose, st.integers(-999, 9999).map(str)])

BAD: dict[str, Callable[[bytes, bytes, int], bytes]] = {
    "too few fields": lambda d, _e, _w: b"x",
    "too many fields": lambda d, _e, w: d.join([b"x"] * (w + 1)),
    "far too many fields": lambda d, _e, w: d.join([b"x"] * 50),
    "a quote without a closing quote": lambda d, _e, w: d.join([b'"x'] + [b"1"] * (w - 1)),
    "text after a quote": lambda d, _e, w: d.join([b'"x"y'] + [b"1"] * (w - 1)),
    "an apostrophe": lambda d, _e, w: d.join([b"'x"] + [b"1"] * w),
    "a comment": lambda d, _e, _w: b"# exported, by; some|one",
    "blanks": lambda d, _e, _w: b"   ",
    "another file's delimiter": lambda d, _e, w: (b";" if d == b"," else b",").join([b"x"] * w),
    "half a character": lambda d, _e, w: d.join([b"\xc3\xa9\xc3"] + [b"1"] * (w - 1)),
    "NUL": lambda d, _e, _w: b"\0\0\0",
    "another line end": lambda d, e, w: d.join([b"x"] * w) + (b"\r", b"\n")[e == b"\r"] + b"y",
    "Ctrl-Z": lambda d, _e, _w: b"\x1a",
    "a total": lambda d, _e, _w: b"Total:" + d + b"17",
}  # fmt: skip


@st.composite
def well_formed(draw: st.DrawFn) -> tuple[list[bytes], bytes, bytes, int]:
    """Lines of records, the delimiter, the line end, and the number of columns."""
    kinds = draw(st.lists(columns, min_size=2, max_size=4))
    size = draw(st.integers(50, 70))
    table = [[f"name {c}" for c in range(len(kinds))]]
    drawn = [draw(st.lists(kind, min_size=10, max_size=10)) for kind in kinds]
    table += [[cells[n * 7 % 10] for cells in drawn] for n in range(size)]
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    style = draw(st.sampled_from(STYLES))
    ending = draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    lines = []
    for row in table:
        buffer = io.StringIO(newline="")
        csv.writer(buffer, delimiter=delimiter, lineterminator="", **style).writerow(row)
        lines.append(buffer.getvalue().encode())
    return lines, delimiter.encode(), ending, len(kinds)


@given(well_formed(), st.sampled_from(sorted(BAD)), st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_one_bad_record_never_changes_the_dialect(
    file: tuple[list[bytes], bytes, bytes, int], kind: str, place: int
) -> None:
    lines, delimiter, ending, width = file
    before = found(ending.join(lines) + ending)
    bad = BAD[kind](delimiter, ending, width)

    after = found(ending.join([*lines[:place], bad, *lines[place:]]) + ending)

    assert after == before
