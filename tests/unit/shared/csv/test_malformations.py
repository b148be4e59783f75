"""What docs/csv.md says of each malformation, row by row of its table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.csv.dialect import UNDECLARED, Input
from shared.csv.opening import opened
from shared.csv.problems import refuse
from shared.csv.records import RecordReader
from shared.errors import MalformedInput

if TYPE_CHECKING:
    from shared.csv.problems import Problem

DOCS = Path(__file__).parents[4] / "docs" / "csv.md"


@dataclass(frozen=True)
class Kind:
    """A file that begins with the header `a,b`, and the records that are read of it."""

    data: bytes
    good: list[list[bytes]]
    fails: str | None = None
    """What is found, if a record breaks a rule."""
    rejected: tuple[bytes, ...] = ()
    """The records that are passed over, as they stand in the file."""
    declared: Input = UNDECLARED


P, Q = [b"p", b"1"], [b"q", b"2"]


def bad(text: bytes, found: str, *, declared: Input = UNDECLARED, end: bytes = b"\n") -> Kind:
    """One bad record between two good ones."""
    data = b"a,b\np,1\n" + text + end + b"q,2\n"
    return Kind(data, [P, Q], found, (text,), declared)


def good(text: bytes, *fields: list[bytes], declared: Input = UNDECLARED) -> Kind:
    """Records that are as good as any."""
    return Kind(b"a,b\np,1\n" + text + b"\nq,2\n", [P, *fields, Q], declared=declared)


KINDS: dict[str, list[Kind]] = {
    "too few fields": [bad(b"x", "1 column: 'x'")],
    "too many fields": [bad(b"x,1,2", "3 columns: 'x,1,2'")],
    "a delimiter at the end of a record, and none at that of the header": [
        bad(b"x,1,", "3 columns: 'x,1,'")
    ],
    "a delimiter at the end of every line": [
        Kind(b"a,b,\np,1,\n", [[b"p", b"1", b""]]),
    ],
    "a line of blanks": [bad(b"  ", "1 column: '  '")],
    "a comment": [bad(b"# made by hand", "1 column: '# made by hand'")],
    "Ctrl-Z at the end of the file": [
        Kind(b"a,b\np,1\n\x1a", [P], "1 column: '\\x1a'", (b"\x1a",)),
    ],
    "an escaped delimiter outside of quotes": [bad(b"x\\,y,1", "3 columns: 'x\\\\,y,1'")],
    "empty lines": [good(b"\n\r\n\n")],
    "no line end after the last record": [Kind(b"a,b\np,1", [P])],
    "LF and CRLF mixed": [Kind(b"a,b\r\np,1\nq,2\r\n", [P, Q])],
    "CR within a line, or before CRLF": [
        bad(b"x\ry,1", "a carriage return after 'x'"),
        bad(b"x,1\r", "a carriage return after '1'", end=b"\r\n"),
    ],
    "lines that end in CR": [
        Kind(b"a,b\rp,1\rq,2\r", [P, Q], declared=Input(line_end="cr")),
    ],
    "LF in a file whose lines end in CR": [
        Kind(
            b"a,b\rp,1\rx\ny,1\rq,2\r",
            [P, Q],
            "a line feed after 'x'",
            (b"x\ny,1",),
            Input(line_end="cr"),
        )
    ],
    "text after a closing quote": [
        bad(b'"x"y,1', "'y' after the closing quote of 'x'"),
        bad(b'"x" ,1', "' ' after the closing quote of 'x'"),
    ],
    "a quote in quoted text that is not doubled": [
        bad(b'"say "hi"",1', "'h' after the closing quote of 'say '")
    ],
    "a backslash before a quote, without it being the escape": [
        bad(b'"say \\"hi\\"",1', "'h' after the closing quote of 'say \\\\'")
    ],
    "a quote that is never closed": [
        bad(b'"x,1', "'\"x,1\\nq,2\\n', a quote that is never closed"),
    ],
    "a quote that only a later one closes": [
        bad(b'"x,1\ny,2\n"z",3', "'z' after the closing quote of 'x,1\\ny,2\\n'"),
    ],
    "a quote elsewhere in a field": [
        good(b'7" single,1', [b'7" single', b"1"]),
        good(b'="001",1', [b'="001"', b"1"]),
        good(b'x"",1', [b'x""', b"1"]),
    ],
    "a blank before a quote": [
        good(b' "x",1', [b' "x"', b"1"]),
        bad(b' "x,y",1', "3 columns: ' \"x,y\",1'"),
    ],
    "typographic quotes, or single ones": [
        good("“x”,'1'".encode(), ["“x”".encode(), b"'1'"]),
        bad("“x,y”,1".encode(), "3 columns: '“x,y”,1'"),
    ],
    "line ends and delimiters in quotes": [
        good(b'"x\r\n\ny,",1', [b"x\r\n\ny,", b"1"]),
    ],
    "NUL": [good(b"x\0,1", [b"x\0", b"1"])],
    "other control characters, no-break spaces, U+0085, U+2028": [
        good("x\x0b\x0c\u00a0\x85\u2028,1".encode(), ["x\x0b\x0c\u00a0\x85\u2028".encode(), b"1"])
    ],
    "a BOM in the middle of the file": [
        good(b"\xef\xbb\xbfx,1", [b"\xef\xbb\xbfx", b"1"]),
    ],
    "the header once more": [good(b"a,b", [b"a", b"b"])],
    "bytes that are no text in the encoding": [
        bad(b"caf\xe9,1", "'caf\\\\xe9'"),
        bad(b"x\x81,1", "'x\\\\x81'", declared=Input(encoding="windows-1252")),
    ],
    "half a surrogate pair, or half a character at the end": [
        Kind(
            "a,b\np,1\n".encode("utf-16-le") + b"\x00\xd8" + ",1\nq,2\n".encode("utf-16-le"),
            [P, Q],
            "'\\\\xed\\\\xa0\\\\x80'",
            (b"\xed\xa0\x80,1",),
            Input(encoding="utf-16-le"),
        ),
        Kind(b"a,b\np,1\nx,\xc3", [P], "'\\\\xc3'", (b"x,\xc3",)),
    ],
    "a line `sep=;` before the header": [
        Kind(b"sep=;\r\na;b\r\np;1\r\n", [P]),
    ],
    "UTF-16 with a BOM, as spreadsheets save it": [
        Kind(
            "\ufeffa\tb\r\np\t1\r\n".encode("utf-16-le"),
            [P],
            declared=Input(delimiter="\t"),
        )
    ],
}
EACH = [(name, kind) for name, kinds in KINDS.items() for kind in kinds]


def table() -> list[list[str]]:
    text = DOCS.read_text(encoding="utf-8")
    section = text.split("### What is not as it should be")[1].split("\n#")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| ") and not line.startswith("| |")
    ]


def read(kind: Kind, *, skip: bool) -> tuple[list[list[bytes]], list[Problem]]:
    """The records, and the problems if those are skipped."""
    problems: list[Problem] = []
    # How a file is written is known here; what is found out of it, tests of `detect` say.
    blocks = [kind.data[:9], kind.data[9:]]
    dialect, text = opened(blocks, kind.declared, strict=True)
    reader = RecordReader(text, dialect, problems.append if skip else refuse)
    records = iter(reader)
    _, header = next(records)
    found: list[list[bytes]] = []
    for _, fields in records:
        if len(fields) == len(header):
            found.append(fields)
        else:
            reader.reject_ragged(fields, len(header))
    return found, problems


@pytest.mark.parametrize(("name", "kind"), EACH, ids=[name for name, _ in EACH])
def test_it_fails_the_job_or_is_read(name: str, kind: Kind) -> None:
    if kind.fails is None:
        assert read(kind, skip=False) == (kind.good, [])
    else:
        with pytest.raises(MalformedInput, match=re.escape(f"found {kind.fails}")):
            read(kind, skip=False)


@pytest.mark.parametrize(("name", "kind"), EACH, ids=[name for name, _ in EACH])
def test_if_bad_rows_are_skipped_all_others_are_read(name: str, kind: Kind) -> None:
    good, problems = read(kind, skip=True)

    assert good == kind.good
    assert tuple(problem.record for problem in problems) == kind.rejected


def test_lines_that_end_in_cr_are_refused_unless_that_was_said() -> None:
    with pytest.raises(MalformedInput, match="line 1, column 2: found a carriage return after 'b'"):
        read(Kind(b"a,b\rp,1\rq,2\r", []), skip=True)


def test_the_table_has_them_all_and_says_what_becomes_of_them() -> None:
    rows = {name: outcome for name, outcome, *_ in table()}

    assert list(rows) == list(KINDS)
    for name, kinds in KINDS.items():
        bad_ones = sum(kind.fails is not None for kind in kinds)
        said = rows[name].startswith("bad"), "bad" in rows[name]
        assert said == (bad_ones == len(kinds), bad_ones > 0), name
