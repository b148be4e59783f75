"""Records and problems of any bytes in any dialect equal those of a reader byte by byte."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.csv.dialect import Dialect, Input
from shared.csv.records import RecordReader
from tests.oracle_records import Record, read_records

if TYPE_CHECKING:
    from shared.csv.problems import Problem

DIALECTS = st.builds(
    Input,
    delimiter=st.sampled_from([",", ";", "\t", " ", "§", "x"]),
    quote=st.sampled_from(['"', "'", ""]),
    escape=st.sampled_from(["", "\\"]),
    line_end=st.sampled_from(["lf", "cr"]),
).filter(lambda declared: declared.quote or not declared.escape)
_DIRT = [
    *("\n", "\r", "\r\n", '"', '""', "'", "\\", "\\\\", "a", "é", "\0", "\ufeff", "😀"),
    "a" * 9,
]
_NO_TEXT = [b"\xff", b"\xc3", b"\xed\xa0\x80"]


@st.composite
def dirty_files(draw: st.DrawFn) -> tuple[Input, bytes]:
    """A good header, followed by arbitrary bytes."""
    declared = draw(DIALECTS)
    delimiter, quote = declared.delimiter or ",", declared.quote or ""
    ending = "\r" if declared.line_end == "cr" else "\n"
    awkward = [delimiter, quote, quote + quote, ending, delimiter + quote, quote + delimiter]
    awkward += [quote + ending, ending + quote, (declared.escape or quote) + quote]
    token = st.sampled_from([*(text.encode() for text in _DIRT + 2 * awkward), *_NO_TEXT])
    header = f"a{delimiter}b{ending}".encode()
    return declared, header + b"".join(draw(st.lists(token, max_size=40)))


def read(data: bytes, block: int, dialect: Dialect) -> list[Record]:
    """Read `data` with a RecordReader."""
    read: list[Record] = []
    fields: list[bytes] = []

    def note(problem: Problem) -> None:
        if problem.found == "good":
            read.append(Record(problem.line, problem.offset, problem.record, fields))
            return
        reason = f"found {problem.found}, expected {problem.expected}"
        where = problem.line, problem.offset, problem.record
        read.append(Record(*where, [], problem.column or 0, reason))

    blocks = (data[at : at + block] for at in range(0, len(data), block))
    reader = RecordReader(blocks, dialect, note)
    for line, found in reader:
        fields = found
        reader.reject(None, "good", "")
        assert read[-1].line == line
    return read


@given(dirty_files(), st.sampled_from([1, 2, 3, 7, 64, 1 << 20]))
@settings(max_examples=300)
def test_records_and_problems_equal_those_of_a_plain_reader(
    file: tuple[Input, bytes], block: int
) -> None:
    declared, data = file

    dialect = Dialect(
        delimiter=declared.delimiter or "",
        quote=declared.quote or "",
        escape=declared.escape or "",
        line_end=declared.line_end or "lf",
    )
    expected = [
        replace(record, fields=[]) if record.reason else record
        for record in read_records(data, declared)
    ]

    assert read(data, block, dialect) == expected
