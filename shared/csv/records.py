"""Reads CSV records strictly: every record as the format says, or MalformedInput.

This is the reference for what a file means. It works on bytes, so that text stays verbatim and
order is bytewise.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Record = tuple[int, list[bytes]]
    """The line on which a record begins, counted from 1, and its fields."""

RECORD_LIMIT = 64 << 20
"""Bytes that one record may have; more is taken for a quote that nobody closed."""

BOM = b"\xef\xbb\xbf"

_LONGEST_CHARACTER = 4
_QUOTED = re.compile(rb'"([^"]*+(?:""[^"]*+)*+)"')
_UNQUOTED = re.compile(rb"[^,\r\n]*+")


class RecordReader:
    """The records of one file, read once from front to back.

    Iterating yields every record, the header first, as its line and its fields; empty lines are
    skipped. Raises MalformedInput for the first record that breaks a rule, after yielding all
    before it. Holds no more than one record and two blocks in memory.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._data = b""
        self._line = 1
        self.header: Sequence[bytes] = ()
        """The header's fields, once it has been read: errors name columns by them."""
        self.records = 0
        """Records that have been read, the header too; those of a region once all have been."""

    def __iter__(self) -> Iterator[Record]:
        self._data = self._more(b"", len(BOM)).removeprefix(BOM)
        final = False
        while not final:
            grown = self._more(self._data, max(2 * len(self._data), 1))
            final = len(grown) == len(self._data)
            self._data = grown
            yield from self._whole_records(final=final)
            if len(self._data) > RECORD_LIMIT:
                raise self.malformed(
                    self._line,
                    None,
                    f"a record longer than {RECORD_LIMIT >> 20} MiB, beginning {show(self._data)}",
                    "its end: perhaps a quote is never closed",
                )

    def malformed(self, line: int, column: int | None, found: str, expected: str) -> MalformedInput:
        """The error for a record that begins on `line`; `column` is counted from 1."""
        where = f"line {line}"
        if column is not None:
            where += f", column {column}"
            if column <= len(self.header):
                where += f" ({show(self.header[column - 1])})"
        return MalformedInput(f"{where}: found {found}, expected {expected}")

    def ragged(self, line: int, fields: list[bytes], width: int) -> MalformedInput:
        """The error for a record that has not the header's `width` fields."""
        return self.malformed(
            line,
            min(len(fields), width) + 1,
            f"{columns(len(fields))}: {show(b','.join(fields))}",
            f"{columns(width)} as in the header",
        )

    def _more(self, data: bytes, size: int) -> bytes:
        """`data` and enough of what follows to have `size` bytes, or all there is."""
        parts = [data]
        missing = size - len(data)
        while missing > 0 and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            missing -= len(block)
        return b"".join(parts)

    def _whole_records(self, *, final: bool) -> Iterator[Record]:
        """Yield the records that end in what has been read, and keep the rest."""
        data = self._data
        at = 0
        while at < len(data):
            quote = data.find(b'"', at)
            plain = data.rfind(b"\n", at, quote if quote >= 0 else len(data)) + 1
            if plain > at:
                yield from self._plain_lines(data[at:plain])
                at = plain
                continue
            record = self._record(data, at, final=final)
            if record is None:
                break
            fields, end = record
            begun = self._line
            self._line += data.count(b"\n", at, end)
            at = end
            if fields is not None:
                self.header = self.header or fields
                yield begun, fields
                self.records += 1
        self._data = data[at:]

    def _plain_lines(self, region: bytes) -> Iterator[Record]:
        """The records of whole lines without a quote."""
        lines = region.split(b"\n")
        lines.pop()
        doubtful = b"\r" in region or not region.isascii()
        for text in lines:
            if doubtful:
                text = self._checked_line(text)
            if text:
                fields = text.split(b",")
                self.header = self.header or fields
                yield self._line, fields
            self._line += 1
        self.records += len(lines) - lines.count(b"") - lines.count(b"\r")

    def _checked_line(self, text: bytes) -> bytes:
        text = text.removesuffix(b"\r")
        if not text.isascii():
            self._check_encoding(text.split(b","))
        if b"\r" in text:
            before = text[: text.index(b"\r")].split(b",")
            raise self._lone_cr(len(before), before[-1])
        return text

    def _record(
        self, data: bytes, start: int, *, final: bool
    ) -> tuple[list[bytes] | None, int] | None:
        """The record that begins at `start`, and where the next one begins.

        The fields are None for an empty line. None if the record goes on after `data`.
        """
        fields: list[bytes] = []
        at = start
        while True:
            column = len(fields) + 1
            quoted = data.startswith(b'"', at)
            match = (_QUOTED if quoted else _UNQUOTED).match(data, at)
            if match is None:
                if final:
                    raise self.malformed(
                        self._line,
                        column,
                        f"{show(data[at:])}, a quote that is never closed",
                        "a closing quote before the end of the file",
                    )
                return None
            fields.append(match[1].replace(b'""', b'"') if quoted else match[0])
            at = match.end()
            follows = data[at : at + 2]
            if len(follows) < 2 and not final:
                return None
            if follows.startswith(b","):
                at += 1
                continue
            if follows and not follows.startswith((b"\r", b"\n")):
                if len(data) - at < _LONGEST_CHARACTER and not final:
                    return None
                character = data[at : at + _LONGEST_CHARACTER].decode(errors="replace")[0]
                raise self.malformed(
                    self._line,
                    column,
                    f"{character!r} after the closing quote of {show(fields[-1])}",
                    "a comma or the end of the line (a quote in quoted text is doubled)",
                )
            if follows.startswith(b"\r") and follows != b"\r\n":
                self._check_encoding(fields)
                raise self._lone_cr(column, fields[-1])
            break
        self._check_encoding(fields)
        ending = 2 if follows == b"\r\n" else len(follows[:1])
        empty = at == start
        return (None if empty else fields), at + ending

    def _lone_cr(self, column: int, field: bytes) -> MalformedInput:
        return self.malformed(
            self._line,
            column,
            f"a carriage return after {show(field)}",
            "lines that end in LF or CRLF, and other carriage returns only in quoted fields",
        )

    def _check_encoding(self, fields: Sequence[bytes]) -> None:
        for column, field in enumerate(fields, 1):
            if field.isascii():
                continue
            try:
                field.decode()
            except UnicodeDecodeError:
                raise self.malformed(self._line, column, show(field), "text in UTF-8") from None


def columns(number: int) -> str:
    """So many columns, as it stands in a message."""
    return f"{number} column{'s' if number != 1 else ''}"


def show(text: bytes, limit: int = 60) -> str:
    """`text` as it stands in a message: quoted, escaped, cut to about `limit` characters."""
    shown = repr(text[: limit * 4].decode(errors="backslashreplace")[:limit])
    return shown if len(text) <= limit else f"{shown}..."


def leading_record(data: bytes) -> tuple[list[bytes], int] | None:
    """The fields of the record with which `data` begins, and its length in bytes.

    None if it does not end within `data`, or is an empty line. Raises MalformedInput.
    """
    record = RecordReader(())._record(data, 0, final=False)
    if record is None or record[0] is None:
        return None
    return record[0], record[1]
