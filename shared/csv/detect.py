"""What a file is written like, found out from its first bytes. Pure: no I/O.

What reads under RFC 4180 in UTF-8 is that. Only for what does not, other ways of writing are tried,
and the one is taken under which most records have as many fields as the header. That a good
delimiter makes records alike, and their cells clean, is the idea of van den Burg, Nazabal and
Sutton, "Wrangling Messy CSV Files by Detecting Row and Type Patterns" (2019).
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from shared.aggregation.cells import read_date, read_number
from shared.csv.compression import compression_of, decompressed
from shared.csv.dialect import STRICT, Dialect
from shared.csv.encoding import announced, in_utf8
from shared.csv.records import BOM, RecordReader
from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.csv.dialect import Encoding, Input

SAMPLE = 1 << 20
"""Bytes of a file, decompressed, that decide: the same file is the same to whoever reads it."""

DELIMITERS = (",", ";", "\t", "|")
_TRIED = 256 << 10
"""Bytes of text under which other dialects than the strict one are tried."""
_PIECE = 64 << 10
_RECORDS = 2000
_SCORED = 2000
"""Cells that are looked at."""
_CONSISTENT = 0.5
"""The share of records that have to be as wide as the header."""
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UNDEFINED_IN_1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_SEP_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\"?sep=([\t !#-&(-~])\"?\r?\n")
"""The line by which spreadsheets are told the delimiter; no header is meant by it."""
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Detected:
    """A file's dialect, and the text by which it was found out."""

    dialect: Dialect
    text: bytes
    """The sample, decompressed and in UTF-8; a byte order mark stays at its beginning."""
    whole: bool
    """Whether that is all of the file's text."""
    settled: bool
    """Whether more of the file would change nothing."""

    @property
    def bom(self) -> bool:
        """Whether the file begins with a byte order mark."""
        return self.text.startswith(BOM)

    def blocks(self) -> Iterator[bytes]:
        """The text, for a RecordReader. Raises CutOff at its end if more follows in the file.

        By then the reader has yielded every record that ends in the text, but perhaps for one of
        hundreds of KiB: it looks at what it has before it asks for twice as much.
        """
        yield self.text[: len(BOM)]
        for at in range(len(BOM), len(self.text), _PIECE):
            yield self.text[at : at + _PIECE]
        if not self.whole:
            raise CutOff


class CutOff(Exception):
    """The sample ends here, and the file does not: what was begun cannot be judged."""


def detect(sample: bytes, *, whole: bool, given: Input, strict: bool = False) -> Detected:
    """How a file is written that begins with `sample`; `whole` says that this is all of it.

    The first `SAMPLE` bytes decide that it holds once it is decompressed. What is `given` is never
    overruled. With `strict`, all else is as RFC 4180 has it. Raises MalformedInput for compressed
    bytes that are damaged, for a byte order mark of another encoding than is given, and for that of
    UTF-32.
    """
    compression = given.compression or compression_of(sample)
    held, all_held = _first(decompressed(_pieces(sample, whole=whole), compression), whole=whole)
    dialect, text = _understood(held, whole=all_held, given=given, strict=strict)
    settled = all_held or len(held) >= SAMPLE
    return Detected(replace(dialect, compression=compression), text, all_held, settled)


def understood(sample: bytes, *, whole: bool, given: Input, strict: bool = False) -> Dialect:
    """As `detect`, for the first `SAMPLE` bytes of a file that is not, or no longer, compressed."""
    return _understood(sample, whole=whole, given=given, strict=strict)[0]


def _understood(sample: bytes, *, whole: bool, given: Input, strict: bool) -> tuple[Dialect, bytes]:
    """The dialect, and the sample in UTF-8."""
    if given.encoding is None and _is_utf_32(sample):
        raise MalformedInput("the file is in UTF-32, which is not read: save it as UTF-8")
    encoding = given.encoding or announced(sample)
    if encoding is None:
        encoding = "utf-8" if strict else _encoding(sample)
    declared = Dialect(
        delimiter=STRICT.delimiter if given.delimiter is None else given.delimiter,
        quote=STRICT.quote if given.quote is None else given.quote,
        escape=STRICT.escape if given.escape is None else given.escape,
        header=STRICT.header if given.header is None else given.header,
        line_end=given.line_end or STRICT.line_end,
        encoding=encoding,
        decimal=given.decimal,
        thousands=given.thousands,
    )
    text, _ = _first(in_utf8(_pieces(sample, whole=whole), encoding), whole=whole)
    said = _SEP_LINE.match(text)
    if said and given.delimiter in (None, said[1].decode()):
        declared = replace(declared, delimiter=said[1].decode(), sep_line=True)
    if strict:
        return declared, text
    return _layout(Detected(declared, text, whole, settled=True), given), text


def _encoding(text: bytes) -> Encoding:
    """The encoding of text without a byte order mark."""
    if (wide := _wide(text)) is not None:
        return wide
    with suppress(UnicodeDecodeError):
        # Half a character at the end is that of the sample, or of a file that was cut off.
        codecs.getincrementaldecoder("utf-8")().decode(text)
        return "utf-8"
    characters = len(_MULTIBYTE.findall(text))
    others = len(_NOT_ASCII.findall(_MULTIBYTE.sub(b"", text)))
    if others <= characters:
        return "utf-8"  # with some bytes that are none: the problem of their records
    # Windows-1252 has all of Latin-1 that is ever written, and more.
    return "latin-1" if _UNDEFINED_IN_1252.search(text) else "windows-1252"


def _is_utf_32(text: bytes) -> bool:
    """Whether it begins with that byte order mark, and is no UTF-16 that begins with NUL."""
    if not text.startswith(_UTF_32):
        return False
    with suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("utf-32")().decode(text)
        return True
    return False


def _wide(text: bytes) -> Encoding | None:
    """UTF-16 without a byte order mark: of most characters one byte is zero, of few the other."""
    pairs = len(text) // 2
    if pairs < 2:
        return None
    high, low = text[0 : 2 * pairs : 2].count(0), text[1 : 2 * pairs : 2].count(0)
    if low > 0.6 * pairs and high < 0.1 * pairs:
        return "utf-16-le"
    if high > 0.6 * pairs and low < 0.1 * pairs:
        return "utf-16-be"
    return None


def _layout(sample: Detected, given: Input) -> Dialect:
    """Delimiter, quote, escape and line end of a sample whose encoding is known."""
    strict = sample.dialect
    fit = _fit(sample, strict, limit=None)
    if fit.whole and fit.width > 1:
        return strict
    best, best_score = strict, fit.score
    # Some bad records make no other file of it.
    keep_delimiter = given.delimiter is not None or strict.sep_line or fit.score > 0
    delimiters = (strict.delimiter,) if keep_delimiter else DELIMITERS
    tried = replace(sample, text=sample.text[:_TRIED], whole=sample.whole and _is_short(sample))
    for candidate in _candidates(tried, strict, given, delimiters):
        score = _fit(tried, candidate, limit=_RECORDS).score
        # Of equals the first is taken.
        if score > best_score + 1e-9:
            best, best_score = candidate, score
    return best


def _is_short(sample: Detected) -> bool:
    return len(sample.text) <= _TRIED


def _candidates(
    sample: Detected, strict: Dialect, given: Input, delimiters: Sequence[str]
) -> Iterator[Dialect]:
    """What a sample may be, that does not read strictly; what is more usual comes first."""
    text = sample.text
    line_end = strict.line_end
    if given.line_end is None and b"\r" in text and b"\n" not in text:
        line_end = "cr"
    for delimiter, (quote, escape) in product(delimiters, _quotings(text, given)):
        if quote == "" and delimiter != "\t" and given.quote is None:
            # Elsewhere a quote that is never closed is a mistake, and not text.
            continue
        if delimiter in (quote, escape):
            continue
        yield replace(strict, delimiter=delimiter, quote=quote, escape=escape, line_end=line_end)


def _quotings(text: bytes, given: Input) -> Sequence[tuple[str, str]]:
    """Quote and escape, in the order in which they are tried."""
    quotes = ('"', "'", "") if given.quote is None else (given.quote,)
    found = []
    for quote in quotes:
        escapes = ("", "\\") if given.escape is None else (given.escape,)
        for escape in escapes:
            if given.escape is None and escape and not _escapes(text, quote):
                continue
            if given.quote is None and quote == "'" and not _encloses(text):
                continue
            if given.quote is None and quote == "" and _ENCLOSED.search(text):
                continue
            found.append((quote, escape))
    return found


_ENCLOSED = re.compile(rb'(?:^|[,;\t|\r])"(?:[^"\r\n]|""|\\")*"(?=[,;\t|\r\n]|\Z)', re.MULTILINE)
_SINGLE = re.compile(rb"(?:^|[,;\t|\r])'(?:[^'\r\n]|''|\\')*'(?=[,;\t|\r\n]|\Z)", re.MULTILINE)


def _escapes(text: bytes, quote: str) -> bool:
    """Whether a backslash stands before a quote."""
    return quote != "" and b"\\" + quote.encode() in text


def _encloses(text: bytes) -> bool:
    """Whether single quotes enclose fields, and double quotes do not."""
    return _SINGLE.search(text) is not None and _ENCLOSED.search(text) is None


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well a sample reads under a dialect."""

    width: int
    """Fields of the header."""
    share: float
    """Of records that have as many fields, and break no rule."""
    clean: float
    """The share of cells that say something by themselves."""

    @property
    def whole(self) -> bool:
        return self.share == 1.0

    @property
    def score(self) -> float:
        """From 0 to 1; 0 for a dialect that is not worth having."""
        if self.width < 2 or self.share < _CONSISTENT:
            return 0.0
        return self.share * (1 - 1 / self.width) * (0.5 + 0.5 * self.clean)


_NO_FIT = _Fit(0, 0.0, 0.0)


def _fit(sample: Detected, dialect: Dialect, *, limit: int | None) -> _Fit:
    """Read the sample under a dialect, up to so many records."""
    problems = 0

    def count(_problem: object) -> None:
        nonlocal problems
        problems += 1

    reader = RecordReader(sample.blocks(), dialect, count)
    width = records = alike = last = 0
    cells: list[bytes] = []
    try:
        for line, fields in reader:
            width = width or len(fields)
            records += 1
            alike += len(fields) == width
            last = line
            if len(cells) < _SCORED:
                cells += fields[:_SCORED]
            if records == limit:
                break
    except MalformedInput:
        return _NO_FIT
    except CutOff:
        # A quote that was opened by mistake swallows what follows, and no record comes any more.
        lines = sample.text.count(b"\r" if dialect.line_end == "cr" else b"\n")
        if lines - last > max(last, 1000):
            problems += lines - last
    if not records:
        return _NO_FIT
    return _Fit(width, alike / (records + problems), _cleanness(cells))


def _cleanness(cells: Sequence[bytes]) -> float:
    """The share of cells that are a number, a date, empty, or text without signs of a layout."""
    if not cells:
        return 0.0
    return sum(map(_is_clean, cells)) / len(cells)


def _is_clean(cell: bytes) -> bool:
    if not cell or cell.isalnum():
        return True
    if _LAYOUT.search(cell) is None:
        return True
    return read_number(cell) is not None or read_date(cell) is not None


_LAYOUT = re.compile(rb"[,;\t|]|^['\"]|['\"]$")


def _pieces(data: bytes, *, whole: bool) -> Iterator[bytes]:
    yield data
    if not whole:
        raise CutOff


def _first(pieces: Iterable[bytes], *, whole: bool) -> tuple[bytes, bool]:
    """The first `SAMPLE` bytes of what comes in pieces, and whether that is all."""
    found: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            found.append(piece)
            size += len(piece)
            if size >= SAMPLE:
                return b"".join(found)[:SAMPLE], False
    except CutOff:
        return b"".join(found), False
    return b"".join(found), whole
