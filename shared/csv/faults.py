"""The messages about malformed records: what was found, and what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.csv.encoding import HALF_CHARACTER, is_utf8
from shared.csv.encodings import ENCODING_NAMES, NOT_READ
from shared.csv.grammar import CR, LF, NAMES, grammar_of
from shared.csv.positions import Fault
from shared.csv.problems import columns, show
from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.csv.dialect import Dialect

MAX_CHARACTER_LENGTH = 4
"""The maximum length of a character in UTF-8, in bytes."""

_UTF_16 = ENCODING_NAMES["utf-16-le"]
_SHOWN = 300
"""Bytes that are passed to `show`."""
_LINE_ENDS = {
    LF: ("carriage return", "LF or CRLF", "carriage returns"),
    CR: ("line feed", "CR", "line feeds"),
}


class Faults:
    """Makes the faults of a file with one dialect.

    `data` is the part of the file in memory; columns and lines are counted from 1.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._grammar = grammar_of(dialect)
        self._encoding = ENCODING_NAMES[dialect.encoding]
        self._not_read = NOT_READ.get(dialect.encoding, "")

    def never_closed(self, column: int, data: bytes, start: int, at: int, line: int) -> Fault:
        """The quote at `at` has no closing quote; its record begins at `start`, on `line`."""
        lines = data.count(self._grammar.newline, start, at)
        where = f" (opened on line {line + lines})" if lines else ""
        return Fault(
            column,
            f"{show(data[at : at + _SHOWN])}, a quote without a closing quote{where}",
            "a closing quote before the end of the file",
            at,
        )

    def too_long(self, limit: int, data: bytes, start: int, at: int, line: int) -> Fault:
        """The record at `start`, on `line`, exceeds `limit` bytes in the field at `at`."""
        quote = self._grammar.quote
        quoted = bool(quote) and data.startswith(quote, at)
        lines = data.count(self._grammar.newline, start, at)
        where = f" (opened on line {line + lines})" if quoted and lines else ""
        return Fault(
            None,
            f"a record longer than {limit >> 20} MiB, beginning "
            f"{show(data[start : start + _SHOWN])}",
            f"a shorter record: perhaps a closing quote is missing{where}"
            if quoted
            else "a shorter line",
            at,
        )

    def too_many(self, limit: int, at: int) -> Fault:
        """A record has more than `limit` fields, the last of which begins at `at`."""
        return Fault(None, f"more than {limit} columns", f"at most {limit} columns", at)

    def text_after_quote(self, fields: Sequence[bytes], data: bytes, at: int) -> Fault:
        """Text at `at` follows the last of the fields, which is quoted."""
        character = data[at : at + MAX_CHARACTER_LENGTH].decode(errors="replace")[0]
        grammar = self._grammar
        other = NAMES.get(character.encode())
        cause = (
            f"a quote in quoted text {grammar.escape_name}"
            if other is None
            else f"the delimiter may be {other}, or the line ends in one"
        )
        return Fault(
            len(fields),
            f"{character!r} after the closing quote of {show(fields[-1])}",
            f"{grammar.delimiter_name} or the end of the line ({cause})",
            at,
        )

    def foreign_line_end(self, fields: Sequence[bytes]) -> Fault:
        """A line end of another dialect follows the last of the fields."""
        found, ends, others = _LINE_ENDS[self._grammar.newline]
        return Fault(
            len(fields),
            f"a {found} after {show(fields[-1])}",
            f"lines that end in {ends}, and other {others} only in quoted fields",
        )

    def no_delimiter_in_header(self, width: int) -> str:
        """Return what is expected after the delimiter that ends each record but the header."""
        return f"nothing after the last delimiter, as the header has {columns(width)}"

    def no_header(self, declared: int | None, line: int) -> MalformedInput:
        """The first record is not on the line that was declared."""
        return MalformedInput(
            f"line {declared} is empty, and the first record below it is on line {line}: set "
            "input.header_line to the line of the header"
        )

    def no_line_begins_with(self, text: bytes) -> MalformedInput:
        """No line can be the header."""
        return MalformedInput(
            f"no line begins with {show(text)}: set input.header_starts_with to the text with "
            "which the header begins"
        )

    def of_text(self, fields: Sequence[bytes]) -> Fault | None:
        """Return the fault of the first field that is not valid text, or None."""
        for column, field in enumerate(fields, 1):
            if not field.isascii() and not is_utf8(field):
                expected = f"text in {self._encoding}{self._not_read}"
                if self._encoding == _UTF_16 and HALF_CHARACTER in field:
                    expected += ": the file ends within a character"
                return Fault(column, show(field), expected)
        return None
