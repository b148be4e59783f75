"""What is doubtful in how the records of a sample are written.

docs/report.md says what each kind of warning means; the engine looks for the same.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from shared.csv.grammar import CR, LF
from shared.inspection.tally import Tally

if TYPE_CHECKING:
    from shared.csv.dialect import Dialect
    from shared.csv.records import RecordReader
    from shared.jobs.warnings import Finding

_JUDGED_LINES = 16
"""Lines of a record that are looked at to say whether it encloses others."""


class RecordDoubts:
    """Sees the records that fit the header, in the order of the file."""

    def __init__(
        self, dialect: Dialect, reader: RecordReader, text: bytes, header_line: int, width: int
    ) -> None:
        """`reader` yields the records of `text`, and `width` is the number of columns."""
        self._dialect = dialect
        self._reader = reader
        self._text = text
        self._width = width
        self._fields = width + dialect.trailing_delimiters
        self._delimiter = dialect.delimiter.encode()
        # A delimiter before a space is common in prose.
        self._divides = re.compile(re.escape(self._delimiter) + b"(?! )").findall
        self._newline = CR if dialect.line_end == "cr" else LF
        self._line = header_line if dialect.header else 0
        """That of the record or header before; 0 if there is none."""
        self._adjacent = 0
        """The number of records without an empty line above."""
        self._several = 0
        self._quotes = Tally("quote_in_text")
        self._below = Tally("below_empty_line")
        self._padded = Tally("padded_records")
        self._truncated = Tally("truncated_records")
        self._trailing = Tally("trailing_delimiters")
        self._enclosing = Tally("records_in_quotes")

    def see(self, line: int, found: list[bytes], cells: list[bytes]) -> None:
        """Take the record that was yielded last: its line, its fields as they were found, and its
        cells as `RecordReader.fitted` gives them.
        """
        reader = self._reader
        for column in reader.quotes_in_text:
            self._quotes.add(line, column, found[column])
        if self._line:
            empty = reader.empty_line
            if empty > self._line and empty > reader.bad_line:
                self._below.add_record(line, found, self._delimiter)
            else:
                self._adjacent += 1
        self._line = line
        if reader.of_several_lines != self._several:
            self._several = reader.of_several_lines
            if len(found) == self._fields > 1 and self._encloses_records(line, found):
                self._enclosing.add_record(line, found, self._delimiter)
        if cells is not found:
            tally = self._of_width(found)
            tally.add_record(line, found, self._delimiter)

    def findings(self) -> list[Finding]:
        """Return what to warn of."""
        found = [
            *self._quotes.findings(),
            *self._padded.findings(),
            *self._truncated.findings(),
            *self._trailing.findings(),
            *self._enclosing.findings(),
        ]
        # A file whose lines are all divided by empty ones has one table.
        if self._adjacent:
            found += self._below.findings(self._adjacent)
        return found

    def _of_width(self, found: list[bytes]) -> Tally:
        """Return where a record counts that is not as wide as the header."""
        if len(found) < self._fields:
            return self._padded
        if len(found) == self._fields and not found[-1]:
            return self._trailing
        return self._truncated

    def _encloses_records(self, line: int, found: list[bytes]) -> bool:
        """Whether each of its first lines has as many delimiters as a record."""
        if len(self._divides(self._lines[line - 1])) != self._fields - 1:
            return False
        count = 1 + sum(field.count(self._newline) for field in found)
        written = self._lines[line - 1 : line - 1 + count]
        if self._newline == LF:
            written = [each.removesuffix(CR) for each in written]
        judged = list(islice(filter(None, written), _JUDGED_LINES))
        return len(judged) > 1 and all(
            len(self._divides(each)) == self._fields - 1 for each in judged
        )

    @cached_property
    def _lines(self) -> list[bytes]:
        return self._text.split(self._newline)
