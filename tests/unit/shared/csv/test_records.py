from __future__ import annotations

import csv
import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.csv import record_parser
from shared.csv.dialect import Dialect
from shared.csv.problems import show
from shared.csv.records import RecordReader
from shared.errors import MalformedInput
from tests.csv_files import files, numbers


def read(data: bytes, block: int = 1 << 20) -> list[tuple[int, list[bytes]]]:
    return list(RecordReader(data[at : at + block] for at in range(0, len(data), block)))


@given(files(numbers), st.integers(1, 40))
def test_records_equal_those_of_the_csv_module_for_any_block_size(data: bytes, block: int) -> None:
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    expected = [row for row in csv.reader(text, strict=True) if row]

    reader = RecordReader(data[at : at + block] for at in range(0, len(data), block))
    assert [[field.decode() for field in fields] for _, fields in reader] == expected
    assert reader.records == len(expected)


def test_a_record_has_the_number_of_its_first_line() -> None:
    data = b'\xef\xbb\xbfa,b\r\n\r\n"x\n\ny",1\n"p""\r\n",2\nz,3'

    assert read(data) == [
        (1, [b"a", b"b"]),
        (3, [b"x\n\ny", b"1"]),
        (6, [b'p"\r\n', b"2"]),
        (8, [b"z", b"3"]),
    ]


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (b'7" single,b', [b'7" single', b"b"]),
        (b' "a",b', [b' "a"', b"b"]),
        (b'a"b"c,"d"', [b'a"b"c', b"d"]),
        (b'"",', [b"", b""]),
        (b'""""', [b'"']),
        (b'"a""b","c,""\n"', [b'a"b', b'c,"\n']),
        (b"NULL, x ,\t", [b"NULL", b" x ", b"\t"]),
        (b'"a\rb",c', [b"a\rb", b"c"]),
    ],
)
def test_text_is_verbatim_and_only_a_leading_quote_quotes(data: bytes, fields: list[bytes]) -> None:
    for ending in (b"", b"\n", b"\r\n"):
        for block in (1, 2, 3, 100):
            assert read(data + ending, block) == [(1, fields)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'a,b\n"x"y,1\n', "line 2, column 1 ('a'): found 'y' after the closing quote of 'x', "),
        (
            'a,b\n"x"é'.encode(),
            "line 2, column 1 ('a'): found 'é' after the closing quote of 'x', ",
        ),
        (
            b'a,b\nx,1\ny,"2\n3\n',
            "line 3, column 2 ('b'): found '\"2\\n3\\n', a quote without a closing",
        ),
        (b"a,b\nx\ry,1\n", "line 2, column 1 ('a'): found a carriage return after 'x', "),
        (b"a,b\r\nx,1\r\r\ny,2\r\n", "line 2, column 2 ('b'): found a carriage return after '1', "),
        (b"a,b\nx,1\r", "line 2, column 2 ('b'): found a carriage return after '1', "),
        (b'a,b\n"x"\ry,1\n', "line 2, column 1 ('a'): found a carriage return after 'x', "),
        (b'a,b\n"x\n",1\nx\xff,2\n', "line 4, column 1 ('a'): found 'x\\\\xff', expected text in"),
        (
            b'a,b\n1,"\xed\xa0\x80"\n',
            "line 2, column 2 ('b'): found '\\\\xed\\\\xa0\\\\x80', expected",
        ),
        (
            b"\xff\xfea\x00",
            "line 1, column 1: found '\\\\xff\\\\xfea\\x00', expected text in UTF-8",
        ),
    ],
)
def test_the_error_of_a_malformed_record_names_line_column_and_value(
    data: bytes, message: str
) -> None:
    for block in (1, 2, 5, 100):
        with pytest.raises(MalformedInput) as refusal:
            read(data, block)
        assert str(refusal.value).startswith(message)


def test_records_before_a_malformed_record_are_yielded_first() -> None:
    reader = iter(RecordReader([b'a,b\nx,1\n"y"z,2\n']))

    assert [next(reader), next(reader)] == [(1, [b"a", b"b"]), (2, [b"x", b"1"])]
    with pytest.raises(MalformedInput, match="line 3"):
        next(reader)


def test_a_quote_without_a_closing_quote_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record_parser, "RECORD_LIMIT", 1 << 20)
    served = 0

    def endless() -> object:
        nonlocal served
        yield b'a,b\n"'
        while True:
            served += 1 << 16
            yield b"x" * (1 << 16)

    with pytest.raises(MalformedInput, match=r"line 2: found a record longer than 1 MiB"):
        list(RecordReader(endless()))  # type: ignore[arg-type]
    assert served <= 4 << 20


def test_a_field_in_a_message_is_short_and_printable() -> None:
    assert show(b"x" * 1000) == repr("x" * 60) + "..."
    assert show(b"\x00\xff\n") == repr("\x00\\xff\n")


def test_quotes_are_not_looked_for_again_with_each_comment() -> None:
    # Each looked through the rest of its block: a mebibyte of comments took seconds.
    found = 0

    def count(_frame: object, event: str, of: object) -> None:
        nonlocal found
        found += event == "c_call" and getattr(of, "__name__", "") == "find"

    comments = 5000
    reader = RecordReader([b"a\n" + b"#\n" * comments + b"1\n"], Dialect(comment="#"))
    sys.setprofile(count)
    try:
        records = list(reader)
    finally:
        sys.setprofile(None)
    assert records == [(1, [b"a"]), (comments + 2, [b"1"])]
    # The end of each comment is looked for.
    assert comments <= found < comments + 50
