from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from shared.csv.dialect import STRICT, UNDECLARED, Dialect, Input
from shared.csv.records import RecordReader
from shared.errors import MalformedInput
from shared.inspection.open_text import open_text

if TYPE_CHECKING:
    from collections.abc import Iterator


def records(data: bytes, declared: Input = UNDECLARED) -> list[list[bytes]]:
    dialect, text = open_text([data[at : at + 5] for at in range(0, len(data), 5)], declared)
    return [fields for _, fields in RecordReader(text, dialect)]


def test_undeclared_options_follow_rfc_4180_in_strict_mode() -> None:
    assert open_text([b"a;b\n"], UNDECLARED, strict=True)[0] == STRICT
    assert records(b'a,b\n1,"2"\n') == [[b"a", b"b"], [b"1", b"2"]]
    assert records(b"") == []


@pytest.mark.parametrize(
    ("declared", "data"),
    [
        (Input(delimiter=";"), b'a;b\n1;"x;"\n'),
        (Input(delimiter="\t"), b'a\tb\n1\t"x;"\n'),
        (Input(delimiter="→"), 'a→b\n1→"x;"\n'.encode()),
        (Input(delimiter="→"), "a→b\n1→x;\n".encode()),
        (Input(quote="'"), b"a,b\n1,'x;'\n"),
        (Input(quote=""), b"a,b\n1,x;\n"),
        (Input(line_end="cr"), b'a,b\r\r1,"x;"\r'),
        (Input(line_end="cr"), b"a,b\r1,x;"),
        (Input(encoding="latin-1"), b"a,b\n1,x;\n"),
        (Input(compression="gzip"), gzip.compress(b"a,b\n1,x;\n", mtime=0)),
        (UNDECLARED, gzip.compress(b"a,b\n1,x;\n", mtime=0)),
        (UNDECLARED, "\ufeffa,b\n1,x;\n".encode("utf-16-le")),
        (UNDECLARED, gzip.compress("\ufeffa,b\r\n1,x;\r\n".encode("utf-16-be"), mtime=0)),
        (Input(encoding="utf-16-be"), "a,b\r\n1,x;\r\n".encode("utf-16-be")),
    ],
)
def test_the_same_records_are_read_in_every_dialect(declared: Input, data: bytes) -> None:
    assert records(data, declared) == [[b"a", b"b"], [b"1", b"x;"]]


@pytest.mark.parametrize(
    ("declared", "data", "field"),
    [
        (Input(quote=""), b'a\n"x\n', b'"x'),
        (Input(quote=""), b'a\nx""y"\n', b'x""y"'),
        (Input(quote="'"), b"a\n'x''\n\"y'\n", b"x'\n\"y"),
        (Input(escape="\\"), b'a\n"x\\"\ny"\n', b'x"\ny'),
        (Input(escape="\\"), b'a\n"C:\\temp\\\\"\n', b"C:\\temp\\"),
        (Input(escape="\\"), b'a\n"\\\\\\""\n', b'\\"'),
        (Input(escape="\\"), b'a\nx\\"y\\\n', b'x\\"y\\'),
        (Input(line_end="cr"), b'a\r"x\ny\rz"\r', b"x\ny\rz"),
    ],
)
def test_quotes_and_escapes_are_read_as_the_dialect_declares(
    declared: Input, data: bytes, field: bytes
) -> None:
    assert records(data, declared) == [[b"a"], [field]]


@pytest.mark.parametrize(
    ("declared", "data", "message"),
    [
        (Input(delimiter=";"), b'a;b\n"x"y;1\n', "'y' after .*, expected a semicolon or the end"),
        (Input(delimiter="→"), b'a\n"x",\n', "expected the delimiter '→' or the end"),
        (Input(escape="\\"), b'a\n"x""y"\n', r"expected .*\(a quote in quoted text is written \\"),
        (Input(escape="\\"), b'a\n"C:\\"\n', r"line 2, .* a quote without a closing quote"),
        (
            Input(line_end="cr"),
            b"a\rx\ny\r",
            "line 2.*a line feed after 'x', expected .* end in CR",
        ),
        (Input(encoding="windows-1252"), b"a\n\x81\n", "expected text in Windows-1252"),
        (Input(compression="zstd"), b"a\n1\n", "the zstd data of the file is damaged"),
    ],
)
def test_a_record_that_violates_the_dialect_is_refused(
    declared: Input, data: bytes, message: str
) -> None:
    with pytest.raises(MalformedInput, match=message):
        records(data, declared)


def test_a_sep_line_is_not_a_record() -> None:
    reader = RecordReader([b"\xef\xbb\xbfse", b"p=;\r\na,b\n1,2\n"], Dialect(sep_line=True))

    assert list(reader) == [(2, [b"a", b"b"]), (3, [b"1", b"2"])]
    assert list(RecordReader([b"sep=;"], Dialect(sep_line=True))) == []


@pytest.mark.parametrize(
    "line", [b"sep=;\r\n", b'"sep=;"\n', b"\xef\xbb\xbfsep=;\n", b"SEP=;\n", b'"Sep=;"\r\n']
)
def test_a_sep_line_sets_the_delimiter(line: bytes) -> None:
    expected = [[b"a", b"b"], [b"1", b"2,"]]

    assert records(line + b"a;b\n1;2,\n") == expected
    assert records(line + b"a;b\n1;2,\n", Input(delimiter=";")) == expected
    utf_16 = (line + b"a;b\n1;2,\n").removeprefix(b"\xef\xbb\xbf").decode().encode("utf-16-le")
    assert records(b"\xff\xfe" + utf_16) == expected
    # With another declared delimiter it is a record.
    assert records(line + b"a;b\n", Input(delimiter="|"))[1:] == [[b"a;b"]]


@pytest.mark.parametrize("line", [b"sep=;\r", b'\xef\xbb\xbf"SEP=;"\r'])
def test_a_sep_line_may_end_in_cr_as_the_lines_of_its_table(line: bytes) -> None:
    expected = [[b"a", b"b"], [b"1", b"2,"]]

    for declared in (UNDECLARED, Input(line_end="cr"), Input(delimiter=";")):
        assert records(line + b"a;b\r1;2,\r", declared) == expected


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (b"sep=;\ra;b\n1;2\n3;4\n", UNDECLARED),
        (b"sep=;\na;b\r1;2\r3;4\r", UNDECLARED),
        (b"sep=;\ra;b\r1;2\r", Input(line_end="lf")),
    ],
)
def test_a_sep_line_that_ends_otherwise_than_the_table_is_refused(
    data: bytes, declared: Input
) -> None:
    with pytest.raises(MalformedInput, match="found a carriage return"):
        records(data, declared)


def test_text_is_read_lazily() -> None:
    def blocks() -> Iterator[bytes]:
        yield b"a,b\n" * (1 << 20)
        raise AssertionError("read on")

    _, text = open_text(blocks(), UNDECLARED)
    assert next(text)[:4] == b"a,b\n"
