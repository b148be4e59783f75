"""Read CSV records strictly: each record follows the dialect, or is a problem.

This reader defines what a file means. It works on bytes in UTF-8, so that text stays verbatim and
sorts bytewise.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, count, repeat
from typing import TYPE_CHECKING

from shared.csv import record_parser
from shared.csv.dialect import STRICT
from shared.csv.encoding import is_utf8
from shared.csv.faults import MAX_CHARACTER_LENGTH, Faults
from shared.csv.grammar import CR, CRLF, LF, grammar_of
from shared.csv.positions import Fault, Lines, Span, has_long_line
from shared.csv.problems import KEPT_RECORD, MalformedRecord, Problem, columns, refuse, show
from shared.csv.record_parser import RecordParser, is_full
from shared.csv.table_lines import LineMarks, without_footer
from shared.csv.window import Window
from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.csv.dialect import Dialect
    from shared.csv.problems import OnProblem

    Record = tuple[int, list[bytes]]
    """The line on which a record begins, counted from 1, and its fields."""

BOM = b"\xef\xbb\xbf"

_KEPT_NAME = 200


class RecordReader:
    """Reads the records of a file once, from start to end.

    Iterating yields the line and the fields of every record, the header first; for a file without a
    header, made-up names come first. Empty lines are skipped.

    A bad record is not yielded. After all records before it, `on_problem` is called, which raises
    or returns. If it returns, reading continues after the bad record: at its own end if only its
    text is invalid, else after the line of the fault (for a quote without a closing quote, the line
    of that quote). The consumer reports bad cells of a yielded record by `reject`. A bad header
    always raises MalformedInput, as no record can be read without it.

    Keeps at most one record and two blocks in memory.
    """

    def __init__(
        self,
        blocks: Iterable[bytes],
        dialect: Dialect = STRICT,
        on_problem: OnProblem = refuse,
    ) -> None:
        self._dialect = dialect
        self._grammar = grammar_of(dialect)
        self._marks = LineMarks.of(dialect)
        newline = self._grammar.newline
        pieces = iter(blocks)
        if dialect.footer_lines:
            pieces = without_footer(pieces, dialect.footer_lines, newline, self._pass_over)
        self._window = Window(pieces, newline, dialect.encoding)
        self._parser = RecordParser(dialect)
        self._faults = Faults(dialect)
        self._on_problem = on_problem
        self._yielded: Lines | Span = Span(0, 0, 1)
        self.header: Sequence[bytes] = ()
        """The fields of the header, once it was read. Problems use them as names of columns."""
        self.records = 0
        """The number of records yielded, with the header if the file has one. Records that are
        yielded in one batch are counted at its end."""
        self.quotes_in_text: Sequence[int] = ()
        """The columns, from 0, of the record yielded last that have a quote, but no quotes around
        their text."""
        self.of_several_lines = 0
        """The number of records of several lines, without the header."""
        self.most_lines = 1
        """The lines of the longest of these records."""
        self.passed_over = 0
        """The number of lines that are in no record: empty lines, comments, and what is above and
        below the table. Those of one batch are counted at its end."""
        self.empty_line = 0
        """The last empty line above the record yielded last, from 1; 0 if there is none. Comments
        and lines beside the table do not count."""
        self.bad_line = 0
        """The line of the bad record that was reported last, from 1; 0 if there is none."""
        self.padded = 0
        self.truncated = 0
        """The number of records that `fitted` has filled or cut."""

    def __iter__(self) -> Iterator[Record]:
        records = chain.from_iterable(self._batches())
        return chain(self._start(records), records)

    def reject(self, column: int | None, found: str, expected: str) -> None:
        """Report a problem of the record that was yielded last.

        `column` is counted from 1. Raises if `on_problem` does.
        """
        last = self._yielded.last() if isinstance(self._yielded, Lines) else self._yielded
        self._report(Fault(column, found, expected), last)

    def reject_ragged(self, fields: list[bytes], width: int) -> None:
        """Report that the record yielded last, with these fields, does not have `width` fields."""
        self.reject(*self._ragged(fields, width))

    def fitted(self, fields: list[bytes], width: int) -> list[bytes] | None:
        """Return the fields of the record yielded last as `width` cells.

        Reports it, and returns None, if it is too narrow or too wide for the dialect.
        """
        dialect = self._dialect
        expected = width + dialect.trailing_delimiters
        found = len(fields)
        if found == width == expected:
            return fields
        if found == expected and not fields[-1]:
            return fields[:width]
        if found < expected and dialect.on_ragged in ("pad", "pad_or_truncate"):
            self.padded += 1
            return (fields + [b""] * (width - found))[:width]
        if found > width and dialect.on_ragged in ("truncate", "pad_or_truncate"):
            self.truncated += 1
            return fields[:width]
        if found == expected:
            self.reject(found, show(fields[-1]), self._faults.no_delimiter_in_header(width))
        else:
            self.reject_ragged(fields, width)
        return None

    def malformed(self, line: int, column: int | None, found: str, expected: str) -> MalformedInput:
        """Return the error for a record that begins on `line`; `column` is counted from 1."""
        problem = Problem(line, 0, column, self._name(column), found, expected, b"")
        return MalformedRecord(problem)

    def _ragged(self, fields: list[bytes], width: int) -> tuple[int, str, str]:
        text = self._grammar.delimiter.join(fields)
        found = f"{columns(len(fields))}: {show(text)}"
        trailing = self._dialect.trailing_delimiters
        expected = f"{columns(width)} as in the header"
        if trailing:
            expected += ", and a delimiter after the last"
        if self.quotes_in_text:
            expected += " (a quote that is not at the start of a field is text)"
        return min(len(fields), width + trailing) + 1, found, expected

    def _start(self, records: Iterator[Record]) -> Iterator[Record]:
        """Yield the header and, if the header is made up, the first record."""
        first = next(records, None)
        if first is None:
            return
        line, fields = first
        if self._dialect.header_line not in (None, line):
            raise self._faults.no_header(self._dialect.header_line, line)
        if self._dialect.header:
            self.header = fields
        else:
            self.header = [b"column%d" % number for number in range(1, len(fields) + 1)]
            yield line, list(self.header)
        yield first

    def _batches(self) -> Iterator[Iterable[Record]]:
        """Yield all records in batches, each of which must be consumed before the next."""
        self._window.more(len(BOM))
        self._window.drop(len(BOM) if self._window.data.startswith(BOM) else 0)
        self._pass_over_start()
        more = True
        while more:
            more = self._window.more(
                min(2 * len(self._window.data), record_parser.RECORD_LIMIT + MAX_CHARACTER_LENGTH)
                + 1
            )
            yield from self._whole_records(final=not more)
            if self._marked(0, final=not more) == "footer":
                self._pass_over_rest()
                return

    def _pass_over(self, lines: int) -> None:
        self.passed_over += lines

    def _pass_over_start(self) -> None:
        """Drop the lines above the table."""
        for _ in range(self._dialect.lines_above):
            if not self._pass_over_line():
                return
        begin = self._dialect.header_starts_with.encode()
        while begin:
            self._window.more(len(begin))
            if self._window.data.startswith(begin):
                return
            if not self._pass_over_line():
                raise self._faults.no_line_begins_with(begin)

    def _pass_over_line(self) -> bool:
        """Drop a line. Return whether there is one."""
        self._window.more(1)
        if not self._window.data:
            return False
        self._window.skip_line(0)
        self.passed_over += 1
        return True

    def _pass_over_rest(self) -> None:
        """Drop the rest of the file."""
        while self._pass_over_line():
            pass

    def _marked(self, at: int, *, final: bool) -> str | None:
        """Return what line at `at` in the data is, if it may be passed over."""
        if not self._marks or at >= len(self._window.data):
            return None
        found = self._marks.at(self._window.data, at, final=final)
        if self.header or not self._dialect.header:
            return found
        # The header is not below the table, and no comment if the client says where it is.
        allowed = replace(
            self._marks,
            footer=b"",
            comment=b"" if self._dialect.header_is_given else self._marks.comment,
        )
        return allowed.at(self._window.data, at, final=final)

    def _whole_records(self, *, final: bool) -> Iterator[Iterable[Record]]:
        """Yield the records that end in the data in memory, and drop them."""
        window = self._window
        data, grammar = window.data, self._grammar
        newline = grammar.newline
        at = 0
        marked = -1 if self._marks else len(data)
        quote = -2 if grammar.quote else -1  # -1: there is none, or no more
        while at < len(data):
            if marked < at:
                marked = self._marks.next(data, at, newline)
            kind = self._marked(at, final=final) if marked == at else None
            if kind in ("footer", "unfinished"):
                break
            if -1 != quote < at:
                quote = data.find(grammar.quote, at)
            plain = data.rfind(newline, at, min(quote if quote >= 0 else len(data), marked)) + 1
            if plain > at:
                self.quotes_in_text = ()
                self._yielded = lines = Lines(data[at:plain], at, window.line, newline)
                yield self._records_of(lines)
                window.line += len(lines)
                self.records += lines.records
                self.passed_over += lines.passed_over
                at = plain
                continue
            try:
                fields, end = self._next(data, at, comment=kind == "comment", final=final)
            except Fault as fault:
                ends = self._end_of(fault, data, final=final)
                if fault.unfinished or (ends is None and not is_full(data, at)):
                    break
                self._report(fault, Span(at, ends or len(data), window.line))
                if ends is None:
                    window.drop(at)
                    window.skip_line(fault.at - at)
                    return
                window.line += data.count(newline, at, ends)
                at = ends
                continue
            line = window.line
            window.line += data.count(newline, at, end)
            if fields is not None:
                if window.line - line > 1 or not data.endswith(newline, at, end):
                    self._count_lines(data, line, end)
                self._yielded = Span(at, end, line)
                yield ((line, fields),)
                self.records += 1
            else:
                self.passed_over += 1
                self.empty_line = self.empty_line if kind == "comment" else line
            at = end
        window.drop(at)

    def _next(
        self, data: bytes, at: int, *, comment: bool, final: bool
    ) -> tuple[list[bytes] | None, int]:
        """Return the fields of the record at `at`, and its end. None for a line without one."""
        parser = self._parser
        if comment:
            return None, parser.end_of_comment(data, at, self._window.line, final=final)
        found = parser.read(data, at, self._window.line, final=final)
        self.quotes_in_text = parser.quotes_in_text
        return found

    def _count_lines(self, data: bytes, line: int, end: int) -> None:
        """Count the lines of a record that begins on `line` and ends at `end`."""
        lines = self._window.line - line + (not data.endswith(self._grammar.newline, 0, end))
        if lines > 1 and (self.header or not self._dialect.header):
            self.of_several_lines += 1
            self.most_lines = max(self.most_lines, lines)

    def _records_of(self, lines: Lines) -> Iterable[Record]:
        """Return the records of whole lines without a quote."""
        region, newline = lines.region, self._grammar.newline
        doubtful = has_long_line(region, newline) or not is_utf8(region)
        text = region
        if self._grammar.foreign in region:
            if newline == LF and region.count(CR) == region.count(CRLF):
                text = region.replace(CRLF, LF)
            else:
                doubtful = True
        if doubtful:
            return self._records_of_doubtful(lines)
        each = lines.each_of(text)
        delimiter = self._grammar.delimiter
        if text.startswith(newline) or 2 * newline in text:
            numbered = enumerate(each, lines.first)
            lines.passed_over = lines.empty()
            lines.records -= lines.passed_over
            return self._records_between(numbered)
        return zip(count(lines.first), map(bytes.split, each, repeat(delimiter)), strict=False)

    def _records_between(self, numbered: Iterable[tuple[int, bytes]]) -> Iterator[Record]:
        """Yield the records of well-formed lines, some of which are empty."""
        delimiter = self._grammar.delimiter
        for line, text in numbered:
            if text:
                yield line, text.split(delimiter)
            else:
                self.empty_line = line

    def _records_of_doubtful(self, lines: Lines) -> Iterator[Record]:
        delimiter = self._grammar.delimiter
        for line, text in enumerate(lines.each_of(lines.region), lines.first):
            record = self._grammar.without_line_end(text)
            fault = self._parser.fault_of_line(record, self._window.line) if record else None
            if fault:
                self._report(fault, lines.last())
            elif record:
                yield line, record.split(delimiter)
            else:
                lines.passed_over += 1
                self.empty_line = line
            if fault or not record:
                lines.records -= 1

    def _end_of(self, fault: Fault, data: bytes, *, final: bool) -> int | None:
        """Return the end of a bad record; None if it is after the data in memory."""
        end = fault.end or data.find(self._grammar.newline, fault.at) + 1
        return end or (len(data) if final else None)

    def _report(self, fault: Fault, span: Span) -> None:
        data = self._window.data[span.at : min(span.end, span.at + KEPT_RECORD + len(CRLF))]
        if span.end - span.at == len(data):
            data = self._grammar.without_line_end(data)
        problem = Problem(
            line=span.line,
            offset=self._window.offset_of(span.at),
            column=fault.column,
            name=self._name(fault.column),
            found=fault.found,
            expected=fault.expected,
            record=data[:KEPT_RECORD],
        )
        if self._dialect.header and not self.header:
            refuse(problem)
        self.bad_line = span.line
        self._on_problem(problem)

    def _name(self, column: int | None) -> str | None:
        if column is None or column > len(self.header):
            return None
        return self.header[column - 1][:_KEPT_NAME].decode(errors="backslashreplace")


def leading_record(data: bytes, dialect: Dialect = STRICT) -> tuple[list[bytes], int] | None:
    """Return the fields of the first record of `data`, and its length in bytes.

    Return None if it does not end within `data`, or is an empty line. Raises MalformedInput.
    """
    try:
        fields, length = RecordParser(dialect).read(data, 0, 1, final=False)
    except Fault as fault:
        if fault.unfinished:
            return None
        raise MalformedInput(f"found {fault.found}, expected {fault.expected}") from None
    return None if fields is None else (fields, length)
