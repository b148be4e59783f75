"""Detect the dialect of a file from its first bytes. No I/O."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shared.csv.compression import compression_of, decompress
from shared.csv.dialect import STRICT, Dialect
from shared.csv.encoding import bom_encoding, to_utf8
from shared.csv.encodings import ENCODING_NAMES
from shared.errors import MalformedInput
from shared.inspection.header import HeaderDecision, decide_header
from shared.inspection.other_formats import other_format
from shared.inspection.sample import SAMPLE_SIZE, Sample, read_first, sample_blocks
from shared.inspection.sniff import Sniffed, sniff
from shared.inspection.table import table_of
from shared.inspection.trailing import has_trailing_delimiters
from shared.inspection.unit_row import find_unit_row
from shared.inspection.western import compare_with_western
from shared.inspection.wide import has_invalid_bytes, is_utf_32, perhaps_utf_16, utf_16

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from shared.csv.dialect import Encoding, Input

_SEP_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\"?(?i:sep)=([\t !#-&(-~])\"?(?:(\r?\n)|\r)")
"""The line that names the delimiter for spreadsheets. It is not a header."""
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_BY_TITLE = {title: name for name, title in ENCODING_NAMES.items()}
_WHOLE_FILE: dict[str, Any] = {
    "skip_lines": 0,
    "header_line": None,
    "header_starts_with": "",
    "comment": "",
    "skip_footer": 0,
}
"""The properties of a dialect that passes over no lines."""
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Detection(Sample):
    """The dialect of a file, and the text that it was detected from."""

    dialect: Dialect
    doubt: str | None
    """Why the delimiter is not certain and must be declared; None if it is certain."""
    header: HeaderDecision
    """If it is undecided, `dialect` has a header."""
    conclusive: bool
    """Whether more bytes of the file cannot change the dialect."""
    utf8_text: str = ""
    """The first character that is not ASCII, if the encoding is declared and not UTF-8, but the
    text that decides is valid UTF-8; else empty."""


@dataclass(frozen=True, slots=True)
class Guess:
    """The likeliest encoding of a text."""

    encoding: Encoding
    assumed: bool = False
    """Whether the text can be read in other encodings as well."""
    runner_up: str = ""
    """The next likeliest, for a message; empty if it is not known."""


def detect_dialect(
    sample: bytes,
    *,
    whole: bool,
    declared: Input,
    names: Collection[str] = (),
    strict: bool = False,
    limit: int = SAMPLE_SIZE,
) -> Detection:
    """Detect the dialect of the file that begins with `sample`.

    Only the first `SAMPLE_SIZE` bytes of the decompressed file decide; the text that is returned
    has up to `limit` bytes. `whole` is whether the sample is the whole file. Declared values are
    never changed. `names` are the columns that are asked for by name: of several delimiters, the
    one with which they are in the header is chosen. With `strict`, everything that is not declared
    follows RFC 4180.

    Raises MalformedInput if compressed bytes are damaged, if the byte order mark contradicts the
    declared encoding, if it is that of UTF-32, and if the file is in a known format that is not
    CSV.
    """
    compression = declared.compression or compression_of(sample)
    plain = decompress(sample_blocks(sample, whole=whole), compression)
    data, is_all = read_first(plain, limit, whole=whole)
    conclusive = is_all or len(data) >= SAMPLE_SIZE
    deciding = data[:SAMPLE_SIZE]
    text, found, header = _detect(
        deciding,
        whole=is_all and len(deciding) == len(data),
        declared=declared,
        names=names,
        strict=strict,
    )
    if len(data) > SAMPLE_SIZE:
        text = _text(data, found.dialect.encoding, limit, whole=is_all)
    dialect = replace(found.dialect, compression=compression)
    return Detection(
        text.text,
        text.whole,
        dialect,
        found.doubt,
        header,
        conclusive,
        _utf8_text(deciding, declared.encoding, cut=len(deciding) < len(data) or not is_all),
    )


def dialect_of(
    sample: bytes,
    *,
    whole: bool,
    declared: Input,
    names: Collection[str] = (),
    strict: bool = False,
) -> Dialect:
    """Return the dialect of a file that is not compressed, or was decompressed.

    See `detect_dialect`. Also raises MalformedInput if the sample leaves open what the delimiter
    is, or whether there is a header.
    """
    _, found, header = _detect(sample, whole=whole, declared=declared, names=names, strict=strict)
    if found.doubt is not None:
        raise MalformedInput(found.doubt)
    if header.header is None:
        raise MalformedInput(header.reason)
    return found.dialect


def _detect(
    sample: bytes, *, whole: bool, declared: Input, names: Collection[str], strict: bool
) -> tuple[Sample, Sniffed, HeaderDecision]:
    """Return the sample in UTF-8, its dialect, and the decision about the header."""
    if (other := other_format(sample)) is not None:
        raise MalformedInput(other)
    if declared.encoding is None and is_utf_32(sample):
        raise MalformedInput("the file is in UTF-32, which is not supported: save it as UTF-8")
    encoding = declared.encoding or bom_encoding(sample)
    guess = None
    if encoding is None:
        guess = Guess("utf-8") if strict else _encoding(sample)
        encoding = guess.encoding
    text = _text(sample, encoding, SAMPLE_SIZE, whole=whole)
    dialect = Dialect(
        delimiter=STRICT.delimiter if declared.delimiter is None else declared.delimiter,
        quote=STRICT.quote if declared.quote is None else declared.quote,
        escape=STRICT.escape if declared.escape is None else declared.escape,
        header=STRICT.header if declared.header is None else declared.header,
        line_end=declared.line_end or STRICT.line_end,
        encoding=encoding,
        assumed_encoding=guess is not None and guess.assumed,
        other_encoding="" if guess is None else guess.runner_up,
        decimal=declared.decimal,
        thousands=declared.thousands,
        null=declared.null,
        number=declared.number,
        date=declared.date,
        on_ragged=declared.on_ragged,
        skip_lines=declared.skip_lines,
        header_line=declared.header_line,
        header_starts_with=declared.header_starts_with,
        comment=declared.comment,
        skip_footer=declared.skip_footer,
        bom=text.bom,
        line_ends=text.line_ends,
    )
    if (sep_line := _sep_line(text, declared, strict=strict)) is not None:
        dialect = replace(dialect, **sep_line, sep_line=True)
        declared = replace(declared, **sep_line)
    if strict:
        return (
            text,
            Sniffed(dialect),
            HeaderDecision(dialect.header, "the default aggregation does not detect a header"),
        )
    # Without a header, columns have made-up names.
    known = () if declared.header is False else [name.encode() for name in names]
    table = table_of(text, dialect)
    found = sniff(table, replace(dialect, **_WHOLE_FILE), declared, known)
    header = HeaderDecision(declared.header, "input.header is set")
    trailing = declared.header is not False and has_trailing_delimiters(table, found.dialect)
    if declared.header is None:
        header = decide_header(table, replace(found.dialect, trailing_delimiters=trailing))
    dialect = replace(
        found.dialect,
        header=header.header is not False,
        assumed_header=header.assumed,
        assumed_quote=declared.quote is None and found.dialect.quote == "",
        trailing_delimiters=trailing and header.header is not False,
        unit_row=_unit_row(table, found.dialect, trailing) if header.header else None,
        **{name: getattr(dialect, name) for name in _WHOLE_FILE},
    )
    return text, replace(found, dialect=dialect), header


def _unit_row(table: Sample, dialect: Dialect, trailing: bool) -> tuple[int, str] | None:
    return find_unit_row(table, replace(dialect, header=True, trailing_delimiters=trailing))


def _text(sample: bytes, encoding: Encoding, size: int, *, whole: bool) -> Sample:
    return Sample(
        *read_first(to_utf8(sample_blocks(sample, whole=whole), encoding), size, whole=whole)
    )


def _encoding(text: bytes) -> Guess:
    """Return the likeliest encoding of text that has no byte order mark.

    Raises MalformedInput if it is probably one that is not supported.
    """
    if (wide := utf_16(text)) is not None:
        return Guess(wide)
    if not has_invalid_bytes(text):
        return Guess("utf-8")
    if wides := perhaps_utf_16(text):
        raise MalformedInput(
            "the encoding is not certain: the text is not UTF-8, and its NUL bytes are perhaps "
            "halves of characters of UTF-16 without a byte order mark: set input.encoding, such "
            f"as to {' or '.join(wides)}, or save the file as UTF-8"
        )
    characters = len(_MULTIBYTE.findall(text))
    others = len(_NOT_ASCII.findall(_MULTIBYTE.sub(b"", text)))
    if others <= characters:
        return Guess("utf-8")  # records with invalid bytes are reported as bad
    likelihood = compare_with_western(text)
    if likelihood.unread:
        raise MalformedInput(
            f"the text is probably in {likelihood.unread}, which is not read: save the file as "
            "UTF-8"
        )
    if likelihood.certain:
        return Guess(likelihood.certain, assumed=True, runner_up=likelihood.runner_up)
    if likely := likelihood.more_likely:
        raise MalformedInput(
            "the encoding is not certain: the text is not UTF-8, and is perhaps in "
            f"{' or '.join(likely)}: {_remedy(likely)}"
        )
    # Windows-1252 has all printable characters of Latin-1, and more.
    return Guess("windows-1252", assumed=True, runner_up=likelihood.runner_up)


def _remedy(likely: Sequence[str]) -> str:
    """Return what to do about a file that is likely in one of these encodings."""
    known = [_BY_TITLE[title] for title in likely if title in _BY_TITLE]
    if not known:
        return "save the file as UTF-8, or set input.encoding if it is in another one"
    return f"set input.encoding, such as to {' or '.join(known)}, or save the file as UTF-8"


def _sep_line(sample: Sample, declared: Input, *, strict: bool) -> dict[str, Any] | None:
    """Return the delimiter and the line end that a first line such as `sep=;` shows; None if it is
    a record.

    The other lines must end as it does, or else more than this line would be passed over.
    """
    found = _SEP_LINE.match(sample.text)
    if found is None:
        return None
    delimiter = found[1].decode()
    line_end = "lf" if found[2] else "cr"
    if declared.delimiter not in (None, delimiter) or declared.line_end not in (None, line_end):
        return None
    if declared.line_end is None and line_end == "cr" and (strict or not sample.ends_in_cr):
        return None
    return {"delimiter": delimiter, "line_end": line_end}


def _utf8_text(text: bytes, declared: Encoding | None, *, cut: bool) -> str:
    """Return the first character beyond ASCII of UTF-8 that was declared to be something else."""
    if declared is None or declared.startswith("utf-") or text.isascii():
        return ""
    try:
        decoded = codecs.getincrementaldecoder("utf-8")().decode(text, final=not cut)
    except UnicodeDecodeError:
        return ""
    return next((char for char in decoded if char > "\x7f"), "")
