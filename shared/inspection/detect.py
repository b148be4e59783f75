"""What a file is written like, found out from its first bytes. Pure: no I/O."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.csv.compression import compression_of, decompressed
from shared.csv.dialect import STRICT, Dialect
from shared.csv.encoding import announced, in_utf8
from shared.errors import MalformedInput
from shared.inspection.header import Verdict, verdict
from shared.inspection.layout import layout
from shared.inspection.sample import SAMPLE, Sample, first, pieces

if TYPE_CHECKING:
    from shared.csv.dialect import Encoding, Input

_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UNDEFINED_IN_1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_SEP_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\"?(?i:sep)=([\t !#-&(-~])\"?\r?\n")
"""The line by which spreadsheets are told the delimiter; no header is meant by it."""
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Detected(Sample):
    """A file's dialect, and the text by which it was found out."""

    dialect: Dialect
    header: Verdict
    """If that has to be said, `dialect` has a header."""
    settled: bool
    """Whether more of the file would change nothing."""


def detect(
    sample: bytes, *, whole: bool, given: Input, strict: bool = False, reach: int = SAMPLE
) -> Detected:
    """How a file is written that begins with `sample`; `whole` says that this is all of it.

    The first `SAMPLE` bytes decide that it holds once it is decompressed, whatever `reach` is: so
    many are in the text. What is `given` is never overruled. With `strict`, all else is as RFC 4180
    has it. Raises MalformedInput for compressed bytes that are damaged, for a byte order mark of
    another encoding than is given, and for that of UTF-32.
    """
    compression = given.compression or compression_of(sample)
    plain = decompressed(pieces(sample, whole=whole), compression)
    held, all_held = first(plain, reach, whole=whole)
    settled = all_held or len(held) >= SAMPLE
    decides = held[:SAMPLE]
    text, dialect, header = _understood(
        decides, whole=all_held and len(decides) == len(held), given=given, strict=strict
    )
    if len(held) > SAMPLE:
        text = _text(held, dialect.encoding, reach, whole=all_held)
    dialect = replace(dialect, compression=compression)
    return Detected(text.text, text.whole, dialect, header, settled)


def understood(sample: bytes, *, whole: bool, given: Input, strict: bool = False) -> Dialect:
    """As `detect`, for the first `SAMPLE` bytes of a file that is not, or no longer, compressed.

    Raises MalformedInput also if it has to be said whether there is a header.
    """
    _, dialect, header = _understood(sample, whole=whole, given=given, strict=strict)
    if header.header is None:
        raise MalformedInput(header.reason)
    return dialect


def _understood(
    sample: bytes, *, whole: bool, given: Input, strict: bool
) -> tuple[Sample, Dialect, Verdict]:
    """The sample in UTF-8, its dialect, and whether that has a header."""
    if given.encoding is None and _is_utf_32(sample):
        raise MalformedInput("the file is in UTF-32, which is not read: save it as UTF-8")
    encoding = given.encoding or announced(sample)
    if encoding is None:
        encoding = "utf-8" if strict else _encoding(sample)
    text = _text(sample, encoding, SAMPLE, whole=whole)
    dialect = Dialect(
        delimiter=STRICT.delimiter if given.delimiter is None else given.delimiter,
        quote=STRICT.quote if given.quote is None else given.quote,
        escape=STRICT.escape if given.escape is None else given.escape,
        header=STRICT.header if given.header is None else given.header,
        line_end=given.line_end or STRICT.line_end,
        encoding=encoding,
        decimal=given.decimal,
        thousands=given.thousands,
        bom=text.bom,
        line_ends=text.line_ends,
    )
    said = _SEP_LINE.match(text.text)
    if said and given.delimiter in (None, said[1].decode()):
        dialect = replace(dialect, delimiter=said[1].decode(), sep_line=True)
    if strict:
        return text, dialect, Verdict(dialect.header, "nothing is asked of the file")
    dialect = layout(text, dialect, given)
    if given.header is not None:
        return text, dialect, Verdict(given.header, "it was said")
    header = verdict(text, dialect)
    return text, replace(dialect, header=header.header is not False), header


def _text(sample: bytes, encoding: Encoding, size: int, *, whole: bool) -> Sample:
    return Sample(*first(in_utf8(pieces(sample, whole=whole), encoding), size, whole=whole))


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
