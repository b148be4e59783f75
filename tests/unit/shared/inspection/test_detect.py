"""The dialect is detected from the first bytes of a file, and never contradicts a declared one.

Python's own modules write the files; reading with the detected dialect gives the same rows.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import sys
import zipfile
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given as hypothesis_given

from shared.aggregation.spec import SONG_PLAYS, Aggregation, GroupColumn
from shared.csv.compression import decompress
from shared.csv.dialect import STRICT, UNDECLARED, Dialect, Input
from shared.csv.encoding import to_utf8
from shared.csv.records import RecordReader
from shared.errors import MalformedInput
from shared.inspection.detect import detect_dialect
from tests.csv_files import files, numbers

if TYPE_CHECKING:
    from collections.abc import Callable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAIN = [["Song", "Date", "Plays"], *([f"song {n}", "2020-01-31", str(n)] for n in range(40))]
PROSE = [
    ["Titel", "Künstler", "Preis", "Notiz"],
    ["Über; alles", "Ärzte, Die", "1,50", 'sie sagte "ja"'],
    ["zwei\nZeilen", "Motörhead", "22,00", ""],
    ["it's", "a|b\tc", "", "5"],
    *([f"Lied {n}", f"Wir, {n}", f"{n},5", "x; y"] for n in range(30)),
]
STYLES: list[dict[str, Any]] = [
    {"quoting": csv.QUOTE_MINIMAL},
    {"quoting": csv.QUOTE_ALL},
    {"doublequote": False, "escapechar": "\\", "quoting": csv.QUOTE_ALL},
    {"quotechar": "'", "quoting": csv.QUOTE_ALL},
]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"]


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("plays.csv", data)
    return buffer.getvalue()


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "zstd": zstd.compress,
    "zip": zipped,
}


def written(rows: list[list[str]], **how: Any) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, **{"lineterminator": "\n", **how}).writerows(rows)
    return buffer.getvalue()


def found(data: bytes, declared: Input = UNDECLARED) -> Dialect:
    return detect_dialect(data, whole=True, declared=declared).dialect


def read(data: bytes, dialect: Dialect) -> list[list[str]]:
    """Read the rows as jobs do. Raises MalformedInput."""
    text = to_utf8(decompress([data], dialect.compression), dialect.encoding)
    return [[cell.decode() for cell in fields] for _, fields in RecordReader(text, dialect)]


WAYS = list(product([PLAIN, PROSE], ["\n", "\r\n", "\r"], STYLES))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_combination_is_read_as_it_was_written(delimiter: str, encoding: str) -> None:
    check_ways(WAYS, delimiter, encoding, "none")


@pytest.mark.parametrize("compression", [name for name in COMPRESSIONS if name != "none"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_compressed_file_is_read_as_it_was_written(encoding: str, compression: str) -> None:
    # Decompression comes before the rest of the detection, so each combination has one delimiter.
    for i, delimiter in enumerate(",;\t|"):
        check_ways(WAYS[i::4], delimiter, encoding, compression)


def check_ways(
    ways: list[tuple[list[list[str]], str, dict[str, Any]]],
    delimiter: str,
    encoding: str,
    compression: str,
) -> None:
    for rows, ending, style in ways:
        if rows is PLAIN and delimiter == "," and "quotechar" in style:
            continue  # well-formed by RFC 4180, as text in single quotes
        if ending == "\r":
            rows = [[cell.replace("\n", " ") for cell in row] for row in rows]
        text = written(rows, delimiter=delimiter, lineterminator=ending, **style)
        data = COMPRESSIONS[compression](text.encode(encoding))

        dialect = found(data)

        assert read(data, dialect) == rows, (style, ending, dialect)
        assert dialect.compression == compression


@hypothesis_given(files(numbers))
def test_a_file_that_is_well_formed_by_rfc_4180_has_that_dialect(data: bytes) -> None:
    dialect = found(data)
    # A date or a number in the first line can make it a record: see test_header.py.
    first = next(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    if any(character.isdigit() for cell in first for character in cell):
        dialect = replace(dialect, header=STRICT.header)
    assert dialect == STRICT


def test_strict_detection_finds_compression_and_byte_order_mark_only() -> None:
    data = written(PLAIN, delimiter=";")
    for encoding in ("utf-8", "utf-16"):
        found = detect_dialect(
            gzip.compress(data.encode(encoding)), whole=True, declared=UNDECLARED, strict=True
        )
        assert found.dialect == replace(
            STRICT, compression="gzip", encoding="utf-8" if encoding == "utf-8" else "utf-16-le"
        )
    assert Aggregation((GroupColumn("Song"),)).is_default is False
    assert SONG_PLAYS.is_default is True


@pytest.mark.parametrize(
    "declared",
    [
        Input(delimiter=","),
        Input(delimiter=":"),
        Input(quote=""),
        Input(quote="'"),
        Input(escape="\\"),
        Input(header=False),
        Input(encoding="latin-1"),
        Input(line_end="cr"),
        Input(decimal=",", thousands="."),
        Input(delimiter="|", quote="'", escape="\\", header=True, encoding="utf-8"),
    ],
)
@pytest.mark.parametrize("rows", [PLAIN, PROSE])
def test_declared_options_are_never_changed(declared: Input, rows: list[list[str]]) -> None:
    for delimiter in ",;":
        dialect = found(written(rows, delimiter=delimiter).encode(), declared)
        for name in ("delimiter", "quote", "escape", "header", "encoding", "line_end"):
            if getattr(declared, name) is not None:
                assert getattr(dialect, name) == getattr(declared, name)
        assert (dialect.decimal, dialect.thousands) == (declared.decimal, declared.thousands)


def test_compression_is_not_detected_if_none_is_declared() -> None:
    data = gzip.compress(b"a,b\n1,2\n")
    assert found(data, Input(compression="none", encoding="latin-1")).compression == "none"
    with pytest.raises(MalformedInput, match="the gzip data of the file is damaged"):
        found(b"a,b\n1,2\n", Input(compression="gzip"))


@pytest.mark.parametrize("header", ["BZh,b", "BZh9,b", "PK,b"])
def test_text_that_begins_like_compressed_data_is_text(header: str) -> None:
    assert found(f"{header}\n1,2\n".encode()) == STRICT


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_sample_may_end_anywhere(delimiter: str) -> None:
    text = written(PROSE, delimiter=delimiter).encode()
    whole = found(text)
    for end in range(text.index(b"Lied 5"), len(text), 7):
        cut = detect_dialect(text[:end], whole=False, declared=UNDECLARED)
        assert (cut.dialect, cut.whole) == (whole, False)
    for compress in (gzip.compress, bz2.compress, zstd.compress, zipped):
        data = compress(text * 40)
        end = len(data) - 30
        assert (
            detect_dialect(data[:end], whole=False, declared=UNDECLARED).dialect.delimiter
            in ",;\t|"
        )


def test_a_compressed_sample_gives_a_bounded_text() -> None:
    data = gzip.compress(b"a;b\n" + b"1;2\n" * 5_000_000)
    detected = detect_dialect(data, whole=True, declared=UNDECLARED)
    assert (len(detected.text), detected.whole) == (1 << 20, False)
    assert detected.dialect.delimiter == ";"


@pytest.mark.parametrize(
    ("data", "delimiter"),
    [
        (b"", ","),
        (b"a", ","),
        (b"a;b", ";"),
        (b"a\n1;2\n3;4\n", ","),  # one text column, like its header
        (b"tags\na;b\nc\n", ","),
        (b"Preis;Menge\n1,5;2,5\n3,5;4,5\n", ";"),
        (b"id|text\n1|a, b, c\n2|d; e\n", "|"),
        (b"a,b;c\n1,2,3;4\n5;6\n", ";"),
        (b"a;b,c\n1;2,3\n4;5,6\n", ","),  # well-formed by RFC 4180
        (b"Last, first\tn\nDoe, J\t3\nRoe\t4\nPoe\t5\nLoe\t6\n", "\t"),
        (b"a,b,c\n1,2,3\n1,2\n1,2,3,4\n", ","),
        (b"a;b\n1;2\n3;4\n5\n", ";"),
        (b"a;b;c\n1;2;3\n1;2\n" + b"1;2;3\n" * 10, ";"),
    ],
)
def test_delimiters(data: bytes, delimiter: str) -> None:
    assert found(data).delimiter == delimiter


@pytest.mark.parametrize(
    "rows",
    [
        b"a,b,1\na,b\n",
        b"a,b,1\na,b,1,2\n",
        b'a,b,1\n"a,b,1\n',
        b'a,"b"c,1\n',
        b"a,b,1\r\na\rb,b,1\r\n",
        b"a,b,1\n" * 5000 + b"a,b\n",
    ],
)
def test_bad_records_do_not_change_the_dialect(rows: bytes) -> None:
    assert found(b"Song,Date,Plays\n" + rows) == STRICT


@pytest.mark.parametrize("escape", ["''", "\\'"])
def test_single_quotes_enclose_fields_at_the_beginning_of_lines_that_end_in_cr(escape: str) -> None:
    rows = "".join(f"'x, {escape}{i}{escape} y',{i}\r" for i in range(3))

    dialect = found(b"a,b\r" + rows.encode())

    assert (dialect.quote, dialect.line_end) == ("'", "cr")
    assert dialect.escape == escape.rstrip("'")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (b'a\tb\n"x\t1\ny\t2\n', [["a", "b"], ['"x', "1"], ["y", "2"]]),
        (b"'a';'b'\n'x;y';'1'\n", [["a", "b"], ["x;y", "1"]]),
        (b"a;b\nit's;1\n'tis;2\n", [["a", "b"], ["it's", "1"], ["'tis", "2"]]),
        (b'"a","b"\n"x\\"y","1"\n', [["a", "b"], ['x"y', "1"]]),
        (b'"a","b"\n"C:\\","1"\n', [["a", "b"], ["C:\\", "1"]]),
        (b"sep=;\na;b\n1;2\n", [["a", "b"], ["1", "2"]]),
        (b"\xef\xbb\xbfsep=|\r\na|b\r\n1|2\r\n", [["a", "b"], ["1", "2"]]),
        (b'"sep=\t"\na\tb\n1\t2\n', [["a", "b"], ["1", "2"]]),
        (b"a,b\r1,2\r", [["a", "b"], ["1", "2"]]),
    ],
)
def test_quotes_escapes_line_ends_and_lines_for_spreadsheets(
    text: bytes, rows: list[list[str]]
) -> None:
    assert read(text, found(text)) == rows


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (b"a,b\n\xe9,1\n", "windows-1252"),
        (b"a,b\n\x80\xe9,1\n", "windows-1252"),
        ("a,b\né,1\n".encode(), "utf-8"),
        # One invalid byte in UTF-8 text is an error in the file, not another encoding
        ("a,b\né,1\nü,2\n".encode() + b"\xe9,3\n", "utf-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "utf-16-le"),
        ("a,b\n1,2\n".encode("utf-16-be"), "utf-16-be"),
        (b"a,b\nx\0y,2\n", "utf-8"),
    ],
)
def test_encodings(text: bytes, encoding: str) -> None:
    assert found(text).encoding == encoding


def test_utf_32_is_refused_and_utf_16_that_begins_with_nul_is_not() -> None:
    for text in (codecs.BOM_UTF32_BE + "a,b\n".encode("utf-32-be"), "a,b\n".encode("utf-32")):
        with pytest.raises(
            MalformedInput, match="UTF-32, which is not supported: save it as UTF-8"
        ):
            found(text)
    assert found("\ufeff\0,b\n1,2\n".encode("utf-16-le")).encoding == "utf-16-le"


def test_a_character_cut_by_the_sample_does_not_change_the_encoding() -> None:
    text = "a,b\nx,é\n".encode()[:-2]
    assert detect_dialect(text, whole=False, declared=UNDECLARED).dialect.encoding == "utf-8"
    # At the end of a truncated file it is not either: the last record is bad
    assert detect_dialect(text, whole=True, declared=UNDECLARED).dialect.encoding == "utf-8"


def test_a_byte_order_mark_that_contradicts_the_declared_encoding_is_refused() -> None:
    with pytest.raises(MalformedInput, match="byte order mark"):
        found("a,b\n".encode("utf-16"), Input(encoding="latin-1"))


def test_a_declared_header_is_never_changed() -> None:
    for data in (b"1;2\n3;4\n", b"a;1.5\nb;2.5\n", b"a;b\n1;2\n"):
        assert found(data, Input(header=True)).header
        assert not found(data, Input(header=False)).header


def test_a_missing_header_is_detected() -> None:
    assert not found(b"a;1.5\nb;2.5\n").header
    assert found(b"Song;Plays\na;1.5\nb;2.5\n").header
