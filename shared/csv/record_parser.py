"""Read one record strictly: it follows the dialect, or has a fault."""

from __future__ import annotations

from itertools import islice, repeat
from typing import TYPE_CHECKING

from shared.csv.encoding import is_utf8
from shared.csv.faults import MAX_CHARACTER_LENGTH, Faults
from shared.csv.grammar import CRLF, LF, grammar_of
from shared.csv.positions import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.csv.dialect import Dialect

RECORD_LIMIT = 64 << 20
"""The maximum size of a record in bytes, without its line end."""
COLUMN_LIMIT = 1 << 20
"""The maximum number of fields of a record."""


class RecordParser:
    """Reads records of a file with one dialect, wherever they are in memory."""

    def __init__(self, dialect: Dialect) -> None:
        self._grammar = grammar_of(dialect)
        self._faults = Faults(dialect)
        self.quotes_in_text: Sequence[int] = ()
        """The columns (from 0) of the last record that have a quote in text without quotes."""

    def read(
        self, data: bytes, start: int, line: int, *, final: bool
    ) -> tuple[list[bytes] | None, int]:
        """Return the fields of the record at `start`, and the position of the next record.

        It begins on `line`. The fields are None for an empty line. Raises Fault.
        """
        grammar = self._grammar
        # Most fields are found by patterns alone: a sample may be one record of a million fields.
        at = start + len(grammar.head.match(data, start)[0])  # type: ignore[index]
        if at - start > RECORD_LIMIT:
            return self._read_on(data, start, start, [], line, final=final)
        if data.count(grammar.delimiter, start, at) >= COLUMN_LIMIT:
            found = grammar.of_head.finditer(data, start, at)
            if (last := next(islice(found, COLUMN_LIMIT - 1, None), None)) is not None:
                raise self._faults.too_many(COLUMN_LIMIT, last.end())
        if not final and not is_full(data, start) and grammar.unfinished.match(data, at):
            # It is read again with what follows.
            raise Fault(None, "", "", at, unfinished=True)
        fields = self._fields_of_head(data, start, at)
        ended = grammar.ended.match(data, at)
        if ended is not None:
            quoted, plain, ending = ended.groups(b"")
            end = ended.end()
            if end - start <= RECORD_LIMIT and is_utf8(data[start:end]):
                fields.append(self._field(quoted, plain, len(fields)))
                return (None if end - start == len(ending) else fields), end
        return self._read_on(data, start, at, fields, line, final=final)

    def _fields_of_head(self, data: bytes, start: int, end: int) -> list[bytes]:
        """Return the fields of the head of a record."""
        grammar = self._grammar
        pairs = grammar.of_head.findall(data, start, end)
        quote, escape = grammar.quote, grammar.escape
        self.quotes_in_text = []
        if not quote or data.find(quote, start, end) < 0:
            return [plain for _, plain in pairs]
        self.quotes_in_text = [i for i, (_, plain) in enumerate(pairs) if quote in plain]
        return [
            grammar.unescape(quoted) if escape in quoted else quoted or plain
            for quoted, plain in pairs
        ]

    def _field(self, quoted: bytes, plain: bytes, column: int) -> bytes:
        """Return the value of a field, of which one of the texts is empty."""
        grammar = self._grammar
        if grammar.quote and grammar.quote in plain:
            self.quotes_in_text = [*self.quotes_in_text, column]
        return grammar.unescape(quoted) if grammar.escape in quoted else quoted or plain

    def _read_on(
        self, data: bytes, start: int, at: int, fields: list[bytes], line: int, *, final: bool
    ) -> tuple[list[bytes] | None, int]:
        """Read the rest of a record, of which `fields` end at `at`, field by field."""
        grammar = self._grammar
        delimiter, quote, newline = grammar.delimiter, grammar.quote, grammar.newline
        ahead = max(len(delimiter), len(CRLF))
        self.quotes_in_text = quotes_in_text = list(self.quotes_in_text)
        for _ in repeat(None, COLUMN_LIMIT - len(fields)):
            begun = at
            quoted = bool(quote) and data.startswith(quote, at)
            match = (grammar.quoted if quoted else grammar.unquoted).match(data, at)
            if match is None:
                if is_full(data, start):
                    raise self._faults.too_long(RECORD_LIMIT, data, start, begun, line)
                if final:
                    column = len(fields) + 1
                    raise self._faults.never_closed(column, data, start, begun, line)
                raise Fault(None, "", "", begun, unfinished=True)
            if quote and not quoted and quote in match[0]:
                quotes_in_text.append(len(fields))
            fields.append(grammar.unescape(match[1]) if quoted else match[0])
            at = match.end()
            if at - start > RECORD_LIMIT:
                raise self._faults.too_long(RECORD_LIMIT, data, start, begun, line)
            if len(data) - at < ahead and not final:
                raise Fault(None, "", "", begun, unfinished=True)
            if not data.startswith(delimiter, at):
                break
            at += len(delimiter)
        else:
            raise self._faults.too_many(COLUMN_LIMIT, at)
        if at == len(data):
            end = at
        elif data.startswith(newline, at):
            end = at + len(newline)
        elif newline == LF and data.startswith(CRLF, at):
            end = at + len(CRLF)
        elif data.startswith(grammar.foreign, at):
            wrong_end = self._faults.of_text(fields) or self._faults.foreign_line_end(fields)
            wrong_end.at = at
            raise wrong_end
        elif len(data) - at < MAX_CHARACTER_LENGTH and not final:
            raise Fault(None, "", "", begun, unfinished=True)
        else:
            raise self._faults.text_after_quote(fields, data, at)
        fault = self._faults.of_text(fields)
        if fault is not None:
            fault.end = end
            raise fault
        return (None if at == start else fields), end

    def fault_of_line(self, text: bytes, line: int) -> Fault | None:
        """Return the fault of `text`, line `line` of the file, which has no quotes."""
        grammar = self._grammar
        if len(text) > RECORD_LIMIT:
            return self._faults.too_long(RECORD_LIMIT, text, 0, 0, line)
        if text.count(grammar.delimiter) >= COLUMN_LIMIT:
            return self._faults.too_many(COLUMN_LIMIT, 0)
        if grammar.foreign not in text:
            return self._faults.of_text(text.split(grammar.delimiter))
        before = text[: text.index(grammar.foreign)].split(grammar.delimiter)
        return self._faults.of_text(before) or self._faults.foreign_line_end(before)

    def end_of_comment(self, data: bytes, at: int, line: int, *, final: bool) -> int:
        """Return the end of the comment at `at`, which is no longer than a record. Raises Fault."""
        newline = self._grammar.newline
        end = data.find(newline, at) + 1 or len(data)
        ended = final or data.endswith(newline, at, end)
        if not ended and not is_full(data, at):
            raise Fault(None, "", "", at, unfinished=True)
        text = data[at:end]
        if not ended or len(self._grammar.without_line_end(text)) > RECORD_LIMIT:
            raise self._faults.too_long(RECORD_LIMIT, data, at, at, line)
        return end


def is_full(data: bytes, start: int) -> bool:
    """Return whether the record at `start` has more bytes in memory than a record may have."""
    return len(data) - start > RECORD_LIMIT + MAX_CHARACTER_LENGTH
