"""Reads the records of a dirty file byte by byte. Implements docs/csv.md."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shared.csv.dialect import UNDECLARED
from tests.oracle_text import ENCODINGS, NOT_READ, in_utf8, offset_in_file

if TYPE_CHECKING:
    from shared.csv.dialect import Input

_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}


@dataclass(frozen=True)
class Record:
    """A record as written in the file, with its fields or its problem."""

    line: int
    offset: int
    raw: bytes
    fields: list[bytes]
    column: int = 0
    """The column of the problem, from 1; 0 without a problem."""
    reason: str = ""
    quote_in_text: bool = field(default=False, compare=False)
    """Whether a field without quotes around it has a quote."""


class _Bad(Exception):
    def __init__(self, column: int, reason: str, end: int) -> None:
        super().__init__()
        self.column = column
        self.reason = reason
        self.end = end


def read_file(data: bytes, declared: Input) -> list[Record]:
    """Return the records of a file as sent. Offsets count decompressed bytes of the file."""
    text = in_utf8(data, declared)
    return [
        replace(record, offset=offset_in_file(text, record.offset, declared))
        for record in read_records(text, declared)
    ]


def read_records(data: bytes, declared: Input = UNDECLARED) -> list[Record]:
    """Return every record except empty lines, the header first. `data` is in UTF-8."""
    ending = _ending(declared)
    at = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    sep_line = b"sep=" + (declared.delimiter or ",").encode()
    for first in (sep_line + b"\n", sep_line + b"\r\n"):
        if data.startswith(first, at):  # a hint for spreadsheets, not a record
            at += len(first)
            break
    records: list[Record] = []
    while at < len(data):
        line = 1 + data.count(ending, 0, at)
        quote_in_text = False
        try:
            fields, end, quote_in_text = _fields(data, at, declared)
        except _Bad as bad:
            end = bad.end
            fields, column, reason = [], bad.column, bad.reason
        else:
            column, reason = _encoding(fields, declared)
        raw = data[at:end].removesuffix(ending)
        if ending == b"\n":
            raw = raw.removesuffix(b"\r")
        if raw or reason:
            records.append(Record(line, at, raw, fields, column, reason, quote_in_text))
        at = end
    return records


def shown(text: bytes) -> str:
    """Return a text as problems show it."""
    cut = repr(text[:240].decode(errors="backslashreplace")[:60])
    return cut + "..." if len(text) > 60 else cut


def _ending(declared: Input) -> bytes:
    return b"\r" if declared.line_end == "cr" else b"\n"


def _fields(data: bytes, begin: int, declared: Input) -> tuple[list[bytes], int, bool]:
    """Return the fields of the record at `begin`, and the offset of the next record.

    And whether a field without quotes around it has a quote.
    """
    delimiter = (declared.delimiter or ",").encode()
    quote = b'"' if declared.quote is None else declared.quote.encode()
    escape = (declared.escape or "").encode()
    escaped = [escape + escape, escape + quote] if escape else [quote + quote]
    ending = _ending(declared)
    fields: list[bytes] = []
    quote_in_text = False
    at = begin
    while True:
        opened = at
        quoted = quote != b"" and data[at : at + 1] == quote
        text = b""
        if quoted:
            at += 1
            while True:
                if at >= len(data):
                    raise _never_closed(data, begin, opened, len(fields) + 1, ending)
                if data[at : at + 2] in escaped:
                    text += data[at + 1 : at + 2]
                    at += 2
                elif data[at : at + 1] == quote:
                    at += 1
                    break
                else:
                    text += data[at : at + 1]
                    at += 1
        else:
            while at < len(data) and data[at] not in b"\r\n" and not data.startswith(delimiter, at):
                text += data[at : at + 1]
                at += 1
        fields.append(text)
        quote_in_text = quote_in_text or (not quoted and quote != b"" and quote in text)
        if data[at : at + len(delimiter)] == delimiter:
            at += len(delimiter)
        elif at == len(data) or data[at : at + 1] == ending:
            return fields, at + 1, quote_in_text
        elif data[at : at + 2] == b"\r\n":
            return fields, at + 2, quote_in_text
        else:
            raise _stray(data, at, fields, declared)


def _stray(data: bytes, at: int, fields: list[bytes], declared: Input) -> _Bad:
    """Return the problem of a field that is not followed by a separator or line end."""
    column, reason = len(fields), ""
    ending = _ending(declared)
    if data[at] in b"\r\n":
        column, reason = _encoding(fields, declared)
        if not reason:
            column = len(fields)
            stray, ends = ("carriage return", "LF or CRLF")
            if ending == b"\r":
                stray, ends = ("line feed", "CR")
            reason = (
                f"found a {stray} after {shown(fields[-1])}, expected lines that end in {ends}, "
                f"and other {stray}s only in quoted fields"
            )
    else:
        character = data[at : at + 4].decode(errors="replace")[0]
        delimiter = declared.delimiter or ","
        named = _NAMES.get(delimiter, f"the delimiter {delimiter!r}")
        quote = declared.quote or '"'
        how = f"is written {declared.escape}{quote}" if declared.escape else "is doubled"
        cause = f"a quote in quoted text {how}"
        if character in _NAMES:
            cause = f"the delimiter may be {_NAMES[character]}, or the line ends in one"
        reason = (
            f"found {character!r} after the closing quote of {shown(fields[-1])}, expected {named} "
            f"or the end of the line ({cause})"
        )
    return _Bad(column, reason, _line_end(data, at, ending))


def _never_closed(data: bytes, begin: int, opened: int, column: int, ending: bytes) -> _Bad:
    before = data.count(ending, begin, opened)
    line = 1 + data.count(ending, 0, opened)
    where = f" (opened on line {line})" if before else ""
    reason = (
        f"found {shown(data[opened:])}, a quote without a closing quote{where}, "
        "expected a closing quote before the end of the file"
    )
    return _Bad(column, reason, _line_end(data, opened, ending))


def _line_end(data: bytes, at: int, ending: bytes) -> int:
    end = data.find(ending, at) + 1
    return end or len(data)


def _encoding(fields: list[bytes], declared: Input) -> tuple[int, str]:
    for column, text in enumerate(fields, 1):
        try:
            text.decode()
        except UnicodeDecodeError:
            encoding = ENCODINGS[declared.encoding or "utf-8"]
            if encoding == "UTF-16" and b"\xff" in text:
                encoding += ": the file ends within a character"
            missing = NOT_READ.get(encoding, "")
            return column, f"found {shown(text)}, expected text in {encoding}{missing}"
    return 0, ""
