"""The records of a file that may be dirty, read a byte at a time. Written from docs/csv.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """A record as it stands in the file; its fields, or what is wrong with it."""

    line: int
    offset: int
    raw: bytes
    fields: list[bytes]
    column: int = 0
    """From 1, of what is wrong; 0 if nothing is."""
    reason: str = ""


class _Bad(Exception):
    def __init__(self, column: int, reason: str, end: int) -> None:
        super().__init__()
        self.column = column
        self.reason = reason
        self.end = end


def read_records(data: bytes) -> list[Record]:
    """Every record but empty lines, the header first."""
    at = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    records: list[Record] = []
    while at < len(data):
        line = 1 + data.count(b"\n", 0, at)
        try:
            fields, end = _fields(data, at)
        except _Bad as bad:
            end = bad.end
            fields, column, reason = [], bad.column, bad.reason
        else:
            column, reason = _encoding(fields)
        raw = data[at:end].removesuffix(b"\n").removesuffix(b"\r")
        if raw or reason:
            records.append(Record(line, at, raw, fields, column, reason))
        at = end
    return records


def shown(text: bytes) -> str:
    """A text as problems show it."""
    cut = repr(text[:240].decode(errors="backslashreplace")[:60])
    return cut + "..." if len(text) > 60 else cut


def _fields(data: bytes, begin: int) -> tuple[list[bytes], int]:
    """The fields of the record that begins there, and where the next begins."""
    fields: list[bytes] = []
    at = begin
    while True:
        opened = at
        quoted = data[at : at + 1] == b'"'
        text = b""
        if quoted:
            at += 1
            while True:
                if at >= len(data):
                    raise _never_closed(data, begin, opened, len(fields) + 1)
                if data[at : at + 2] == b'""':
                    text += b'"'
                    at += 2
                elif data[at : at + 1] == b'"':
                    at += 1
                    break
                else:
                    text += data[at : at + 1]
                    at += 1
        else:
            while at < len(data) and data[at] not in b",\r\n":
                text += data[at : at + 1]
                at += 1
        fields.append(text)
        if data[at : at + 1] == b",":
            at += 1
        elif at == len(data) or data[at] == ord("\n"):
            return fields, at + 1
        elif data[at : at + 2] == b"\r\n":
            return fields, at + 2
        else:
            raise _stray(data, at, fields)


def _stray(data: bytes, at: int, fields: list[bytes]) -> _Bad:
    """What stands after a field is neither separator nor line end."""
    column, reason = len(fields), ""
    if data[at] == ord("\r"):
        column, reason = _encoding(fields)
        if not reason:
            column = len(fields)
            reason = (
                f"found a carriage return after {shown(fields[-1])}, expected lines that end in LF "
                "or CRLF, and other carriage returns only in quoted fields"
            )
    else:
        character = data[at : at + 4].decode(errors="replace")[0]
        reason = (
            f"found {character!r} after the closing quote of {shown(fields[-1])}, expected a comma "
            "or the end of the line (a quote in quoted text is doubled)"
        )
    return _Bad(column, reason, _line_end(data, at))


def _never_closed(data: bytes, begin: int, opened: int, column: int) -> _Bad:
    before = data.count(b"\n", begin, opened)
    line = 1 + data.count(b"\n", 0, opened)
    where = f" (it opens on line {line})" if before else ""
    reason = (
        f"found {shown(data[opened:])}, a quote that is never closed{where}, "
        "expected a closing quote before the end of the file"
    )
    return _Bad(column, reason, _line_end(data, opened))


def _line_end(data: bytes, at: int) -> int:
    end = data.find(b"\n", at) + 1
    return end or len(data)


def _encoding(fields: list[bytes]) -> tuple[int, str]:
    for column, field in enumerate(fields, 1):
        try:
            field.decode()
        except UnicodeDecodeError:
            return column, f"found {shown(field)}, expected text in UTF-8"
    return 0, ""
