"""What is doubtful in how the records of a file are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.csv.problems import show
from shared.jobs.warnings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.csv.dialect import Dialect
    from shared.csv.records import RecordReader

    Seen = tuple[int, int | None, bytes]
    """The line of a record; a column from 0, or None; and what is shown of it."""


def first_of(kind: str, seen: Sequence[Seen], others: int = 0) -> list[Finding]:
    """Return the finding of what was seen, in the order of the file; none if nothing was."""
    if not seen:
        return []
    line, column, text = seen[0]
    number = None if column is None else column + 1
    return [Finding(kind, len(seen), others, line, number, show(text))]


JUDGED_LINES = 16
"""So many lines that are not empty are looked at to say whether a record encloses others."""


class RecordDoubts:
    """Collects what is doubtful in records that fit the header, in their order."""

    def __init__(
        self, dialect: Dialect, width: int, header_line: int, text: Sequence[bytes]
    ) -> None:
        self._dialect = dialect
        self._width = width
        self._text = text
        """The text of the file, which is complete at its end."""
        self._several: list[tuple[int, int, bytes]] = []
        """Line, number of lines, and fields of the records of several lines."""
        self._line = header_line if dialect.header else None
        """The last record or header, if there is any."""
        self._others = 0
        """The number of records with a record or header above, and no empty line between."""
        self._seen: dict[str, list[Seen]] = {
            "quote_in_text": [],
            "below_empty_line": [],
            "padded_records": [],
            "truncated_records": [],
            "records_in_quotes": [],
            "trailing_delimiters": [],
        }

    def see(self, line: int, fields: list[bytes], reader: RecordReader, problem: int) -> None:
        """Take the record that the reader has yielded last; `problem` is the last bad record's
        line.
        """
        record = (line, None, self._dialect.delimiter.encode().join(fields))
        for column in reader.quotes_in_text:
            self._seen["quote_in_text"].append((line, column, fields[column]))
        if self._line is not None:
            if reader.empty_line > max(self._line, problem):
                self._seen["below_empty_line"].append(record)
            else:
                self._others += 1
        self._line = line
        lines = 1 + record[2].count(self._newline)
        if lines > 1 and len(fields) == self._width + self._dialect.trailing_delimiters:
            self._several.append((line, lines, record[2]))
        kind = self._kind(len(fields), fields[-1])
        if kind:
            self._seen[kind].append(record)

    @property
    def _newline(self) -> bytes:
        return b"\r" if self._dialect.line_end == "cr" else b"\n"

    def _look_at_lines(self) -> None:
        """Find records each of whose first lines, by itself, has as many delimiters as a record."""
        delimiters = self._width + self._dialect.trailing_delimiters - 1
        # Those before a space are common in prose.
        delimiter = re.compile(re.escape(self._dialect.delimiter.encode()) + b"(?! )")
        every = b"".join(self._text).split(self._newline)
        for line, count, record in self._several:
            lines = every[line - 1 : line - 1 + count]
            if self._newline == b"\n":
                lines = [each.removesuffix(b"\r") for each in lines]
            judged = [each for each in lines if each][:JUDGED_LINES]
            found = [len(delimiter.findall(each)) for each in judged]
            if delimiters and len(found) > 1 and set(found) == {delimiters}:
                self._seen["records_in_quotes"].append((line, None, record))

    def _kind(self, found: int, last: bytes) -> str:
        expected = self._width + self._dialect.trailing_delimiters
        if found < expected:
            return "padded_records"
        if found == expected and (expected == self._width or not last):
            return "trailing_delimiters" if self._dialect.trailing_delimiters else ""
        return "truncated_records"

    def findings(self) -> list[Finding]:
        """Return what is to be told."""
        self._look_at_lines()
        if not self._others:
            # A file whose lines are all divided by empty ones has one table.
            self._seen["below_empty_line"].clear()
        found = [finding for kind, seen in self._seen.items() for finding in first_of(kind, seen)]
        return [
            Finding(each.kind, each.count, self._others, each.line, each.column, each.example)
            if each.kind == "below_empty_line"
            else each
            for each in found
        ]
