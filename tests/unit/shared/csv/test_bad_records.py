"""Where reading continues after a bad record, and how the problem is described."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.csv import positions, record_parser
from shared.csv.dialect import STRICT, Dialect
from shared.csv.problems import KEPT_RECORD, Problem
from shared.csv.records import RecordReader
from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKS = (1, 2, 3, 7, 100)


def read(
    data: bytes, block: int = 1 << 20, dialect: Dialect = STRICT
) -> tuple[list[tuple[int, list[bytes]]], list[Problem]]:
    """Read `data` with a handler for problems; return the records and the problems."""
    problems: list[Problem] = []
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    return list(RecordReader(blocks, dialect, problems.append)), problems


@pytest.mark.parametrize(
    ("bad", "record", "found"),
    [
        (b'"x"y,"1\n', b'"x"y,"1', "'y' after the closing quote of 'x'"),
        (b'"x\n"y,"1\r\n', b'"x\n"y,"1', "'y' after the closing quote of 'x\\n'"),
        (b"x\ry,1\n", b"x\ry,1", "a carriage return after 'x'"),
        (b"x,1\r\r\n", b"x,1\r", "a carriage return after '1'"),
        (b'x,"1"\r2\n', b'x,"1"\r2', "a carriage return after '1'"),
        (b"x\xff,1\n", b"x\xff,1", "'x\\\\xff'"),
        (b'"x\n\xff",1\n', b'"x\n\xff",1', "'x\\n\\\\xff'"),
    ],
)
def test_a_bad_record_ends_with_the_line_on_which_it_is_bad(
    bad: bytes, record: bytes, found: str
) -> None:
    before, after = b"a,b\np,0\n\n", b'q,"2"\nr,3\n'
    for block in BLOCKS:
        good, (problem,) = read(before + bad + after, block)

        line = 5 + bad.count(b"\n")
        assert [fields for _, fields in good] == [
            [b"a", b"b"],
            [b"p", b"0"],
            [b"q", b"2"],
            [b"r", b"3"],
        ]
        assert [line for line, _ in good] == [1, 2, line - 1, line]
        assert (problem.line, problem.offset) == (4, len(before))
        assert (problem.record, problem.found) == (record, found)
        assert problem.name == "ab"[(problem.column or 0) - 1]


def test_only_the_line_of_a_quote_without_a_closing_quote_is_bad() -> None:
    for block in BLOCKS:
        good, (problem,) = read(b'a,b\n"x\ny","z\nq,2\nr,3', block)

        assert good == [(1, [b"a", b"b"]), (4, [b"q", b"2"]), (5, [b"r", b"3"])]
        assert (problem.line, problem.offset, problem.column) == (2, 4, 2)
        assert problem.record == b'"x\ny","z'
        assert problem.found.endswith("a quote without a closing quote (opened on line 3)")


def test_a_consumer_rejects_the_record_that_was_yielded_last() -> None:
    data = b'\xef\xbb\xbfa,b\r\n1,2\r\n\r\n3,4\r\n"5\r\n",6\r\n7,8'
    for block in BLOCKS:
        problems: list[Problem] = []
        reader = RecordReader(
            (data[at : at + block] for at in range(0, len(data), block)), STRICT, problems.append
        )
        for _, fields in reader:
            reader.reject(2, fields[1].decode(), "nothing")

        assert [(p.line, p.offset, p.found, p.record) for p in problems[1:]] == [
            (2, 8, "2", b"1,2"),
            (4, 15, "4", b"3,4"),
            (5, 20, "6", b'"5\r\n",6'),
            (7, 29, "8", b"7,8"),
        ]
        assert all(data[p.offset :].startswith(p.record) for p in problems[1:])


def test_rejecting_a_record_that_was_refused_raises() -> None:
    reader = RecordReader([b"a,b\n1,2\n"])
    records = iter(reader)
    next(records)
    next(records)

    with pytest.raises(MalformedInput, match=r"^line 2, column 2 \('b'\): found x, expected y$"):
        reader.reject(2, "x", "y")
    with pytest.raises(MalformedInput, match=r"^line 2, column 3: found 3 columns: '1,2,3', exp"):
        reader.reject_ragged([b"1", b"2", b"3"], 2)


def test_a_bad_header_is_never_skipped() -> None:
    problems: list[Problem] = []

    with pytest.raises(MalformedInput, match="line 2, column 1: found 'x' after the closing quote"):
        list(RecordReader([b'\n"a"x,b\nc,d\n'], STRICT, problems.append))
    assert problems == []


def test_a_file_without_a_header_gets_names_and_loses_no_record() -> None:
    dialect = Dialect(header=False)

    assert read(b"1,2\n3,4\n", dialect=dialect)[0] == [
        (1, [b"column1", b"column2"]),
        (1, [b"1", b"2"]),
        (2, [b"3", b"4"]),
    ]
    assert read(b"", dialect=dialect)[0] == []
    good, (problem,) = read(b'"1"x,2\n3,4\n', dialect=dialect)
    assert good == [(2, [b"column1", b"column2"]), (2, [b"3", b"4"])]
    assert problem.name is None


def test_a_long_bad_record_is_cut() -> None:
    data = b"a,b\n" + b"x" * (2 * KEPT_RECORD) + b"\r,2\n"

    _, (problem,) = read(data, 1000)

    assert problem.record == b"x" * KEPT_RECORD


@pytest.fixture
def low_limit(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(record_parser, "RECORD_LIMIT", 1 << 20)
    return 1 << 20


@pytest.mark.parametrize("block", [1 << 16, 1 << 30])
@pytest.mark.parametrize("text", [b"%b,1", b'"%b",1', b'"x",%b', b'"x\r\n",1,%b'])
def test_a_record_of_the_limit_is_read_and_one_byte_more_is_too_long(
    low_limit: int, text: bytes, block: int
) -> None:
    fill = low_limit - len(text % b"")
    for more in (0, 1):
        data = b"a,b\n" + text % (b"y" * (fill + more)) + b"\nq,2\n"
        good, problems = read(data, block)

        assert good[-1][1] == [b"q", b"2"]
        assert good[-1][0] == 3 + text.count(b"\n")
        assert [p.found[:28] for p in problems] == ["a record longer than 1 MiB, "] * more
        assert len(good) == 3 - more


@pytest.mark.parametrize("block", [1 << 16, 1 << 30])
@pytest.mark.parametrize("text", [b"%b", b'"",%b', b'"x\n",%b'])
def test_a_record_with_too_many_columns_is_not_split(
    text: bytes, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_parser, "COLUMN_LIMIT", 1 << 14)
    monkeypatch.setattr(positions, "LONG_LINE", 1 << 14)
    fill = record_parser.COLUMN_LIMIT - 1 - (text % b"").count(b",")
    for more in (0, 1):
        data = b"a,b\n" + text % (b"," * (fill + more)) + b"\nq,2\n"
        good, problems = read(data, block)

        assert good[-1][1] == [b"q", b"2"]
        assert [p.found for p in problems] == ["more than 16384 columns"] * more
        assert [len(fields) for _, fields in good] == [2, 1 << 14, 2][:: 1 + more]


def test_a_line_that_is_too_long_is_skipped_without_keeping_it_in_memory(low_limit: int) -> None:
    longest = 0

    def blocks() -> Iterator[bytes]:
        nonlocal longest
        yield b"a,b\nx"
        for _ in range(200):
            longest = max(longest, len(reader._window.data))
            yield b"y" * (1 << 16)
        yield b"\nq,2\n"

    problems: list[Problem] = []
    reader = RecordReader(blocks(), STRICT, problems.append)

    assert list(reader)[1:] == [(3, [b"q", b"2"])]
    assert len(problems) == 1
    assert longest <= low_limit + (1 << 16)


def test_a_quote_that_is_not_closed_within_the_limit_rejects_only_its_line(low_limit: int) -> None:
    rows = b"z,3\n" * (low_limit // 3)
    good, (problem,) = read(b'a,b\nx,1\ny,"2\n' + rows, 1 << 16)

    assert len(good) == 2 + low_limit // 3
    assert good[2] == (4, [b"z", b"3"])
    assert (problem.line, problem.record) == (3, b'y,"2')
    assert problem.expected == "a shorter record: perhaps a closing quote is missing"
