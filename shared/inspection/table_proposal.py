"""Propose which lines of a file are its table, if a sample shows lines beside it.

A proposal is never applied silently: the client sends it as `input`, or runs with `--detect`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from shared.csv.dialect import MAX_FOOTER_LINES
from shared.csv.grammar import CR, LF
from shared.csv.problems import show
from shared.csv.records import BOM, RecordReader
from shared.csv.table_lines import line_count
from shared.errors import MalformedInput
from shared.inspection.readings import NO_FIT, fit
from shared.inspection.sample import Sample, SampleEnded, up_to
from shared.inspection.sniff import DELIMITERS
from shared.inspection.table import table_of
from shared.inspection.unit_row import is_unit_row

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from shared.csv.dialect import Dialect, Input
    from shared.csv.records import Record

_RECORDS = 2000
_TITLES = 100
"""The most records above the header."""
_NOTES = 20
"""The most records below the table."""
_SIGN = "#"
_MARK_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to send in `input`, and why. Empty if the whole file is the table."""

    options: Mapping[str, Any] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


NONE = Proposal()


def propose(
    sample: Sample, dialect: Dialect, declared: Input, names: Collection[str] = ()
) -> Proposal:
    """Return what to declare about the lines of a file.

    `dialect` is the one that was detected, `names` are the columns that are asked for by name.
    Nothing is proposed if the client has declared any of it.
    """
    if declared.header_line or declared.header_starts_with or declared.skip_footer:
        return NONE
    if declared.skip_lines or declared.comment:
        return NONE
    tried = sample.trial()
    delimiters = DELIMITERS if declared.delimiter is None else (declared.delimiter,)
    for comment in (_SIGN, ""):
        table = _Table.of(tried, replace(dialect, comment=comment), delimiters, names)
        if table is not None and not (comment and table.has_records_that_begin_with(comment)):
            return table.proposal(declared.header, has_names=bool(names))
    return NONE


@dataclass(frozen=True, slots=True)
class _Table:
    """The table of a sample, if its records are those of the most frequent width."""

    sample: Sample
    """With comments, if `dialect` has any."""
    dialect: Dialect
    records: Sequence[Record]
    width: int
    head: int
    """The number of the record that is the header, or the first one."""

    @classmethod
    def of(
        cls, sample: Sample, dialect: Dialect, delimiters: Sequence[str], names: Collection[str]
    ) -> _Table | None:
        """Return the table of the delimiter that divides most records best."""
        body = table_of(sample, dialect)
        plain = replace(dialect, comment="", trailing_delimiters=False)
        readings = [
            (measured, reading)
            for reading in (replace(plain, delimiter=each) for each in delimiters)
            if (measured := fit(body, reading, limit=_RECORDS)) is not NO_FIT and measured.is_table
        ]
        if not readings:
            return None
        best, reading = max(readings, key=lambda each: (each[0].body, each[0].usual))
        records = _records(body, reading)
        head = _head(records, best.usual, [name.encode() for name in names])
        if head is None:
            return None
        found = replace(reading, comment=dialect.comment)
        return cls(sample, found, records, best.usual, head)

    def has_records_that_begin_with(self, mark: str) -> bool:
        """Whether lines with this mark may be records, or are most of the lines."""
        lines = [line for line in self._lines() if line.startswith(mark.encode())]
        delimiter = self.dialect.delimiter.encode()
        widths = Counter(line.count(delimiter) + 1 for line in lines)
        return bool(widths[self.width]) or 2 * len(lines) > len(self._lines())

    def proposal(self, header: bool | None, *, has_names: bool) -> Proposal:
        """Return what makes this table that of the file.

        `header` is what is declared, and `has_names` whether columns are asked for by name. Without
        both, the lines above are passed over, so that the record below them must still prove to be
        a header.
        """
        has_header = header is not False
        options: dict[str, Any] = {}
        reasons: list[str] = []
        line = self.records[self.head][0]
        comment = self.dialect.comment.encode()
        marked = [
            number
            for number, text in enumerate(self._lines(), 1)
            if comment and text.startswith(comment)
        ]
        if marked and (self.head == 0 or marked[-1] > line):
            options["comment"] = self.dialect.comment
            lines = "1 line begins" if len(marked) == 1 else f"{len(marked):,} lines begin"
            reasons.append(f"{lines} with {self.dialect.comment!r}")
        if self.head:
            if header or (has_header and has_names):
                options["header_line"] = line
            else:
                options["skip_lines"] = line - 1
            shown = show(self._lines()[self.records[0][0] - 1])
            reasons.append(f"line {line} begins the table, below {shown}")
        if (count := self._footer()) is not None:
            options["skip_footer"] = count
            shown = show(self._lines()[-count])
            lines = "line is not a record" if count == 1 else f"{count} lines are not records"
            reasons.append(f"the last {lines}: {shown}")
        if has_header and "comment" not in options and (units := self._units()) is not None:
            options["comment"] = units.decode(errors="replace")
            reasons.append(f"the line below the header has units, and begins with {show(units)}")
        return Proposal(options, tuple(reasons))

    def _lines(self) -> list[bytes]:
        newline = self._newline()
        lines = self.sample.text.removeprefix(BOM).split(newline)
        return [line.removesuffix(CR) for line in (lines if lines[-1] else lines[:-1])]

    def _newline(self) -> bytes:
        return CR if self.dialect.line_end == "cr" else LF

    def _footer(self) -> int | None:
        """Return the number of lines of the notes below the table; None without any."""
        if not self.sample.whole:
            return None
        last = max(
            i
            for i, (_, cells) in enumerate(self.records)
            if i == self.head or len(cells) == self.width or sum(map(bool, cells)) > 1
        )
        notes = self.records[last + 1 :]
        if not 0 < len(notes) <= _NOTES:
            return None
        if any(sum(map(bool, cells)) > 1 for _, cells in notes):
            return None
        text, newline = self.sample.text, self._newline()
        begin = notes[0][0]
        beside = begin == self.records[last][0] + 1
        if beside and len(notes) == 1 and not text.endswith(newline):
            return None  # the last record of a file that was cut looks the same
        count = line_count(text, newline) - begin + 1
        return count if count <= MAX_FOOTER_LINES else None

    def _units(self) -> bytes | None:
        """Return how the line below the header begins, if it has units of columns of numbers."""
        rows = [cells for _, cells in self.records[self.head + 1 :] if len(cells) == self.width]
        if not is_unit_row(rows, self.dialect):
            return None
        line = self._lines()[self.records[self.head + 1][0] - 1]
        mark = line.decode(errors="replace")[:_MARK_LENGTH].encode()
        taken = sum(other.startswith(mark) for other in self._lines())
        starts = f"\"'{self.dialect.delimiter}".encode()
        return mark if mark and taken == 1 and mark[:1] not in starts else None


def _records(sample: Sample, dialect: Dialect) -> list[Record]:
    found: list[Record] = []
    reader = RecordReader(sample.blocks(), replace(dialect, header=True), up_to(_RECORDS))
    try:
        found.extend(islice(reader, _RECORDS))
    except (SampleEnded, MalformedInput):
        return found
    return found


def _has_letters(cell: bytes) -> bool:
    return any(map(str.isalpha, cell.decode(errors="replace")))


def _head(records: Sequence[Record], width: int, names: Sequence[bytes]) -> int | None:
    """Return which of the records is the header, or the first one of the table."""
    for i, (_, cells) in enumerate(records[:_TITLES]):
        if names and set(names) <= set(cells):
            return i
    for i, (_, cells) in enumerate(records[:_TITLES]):
        above = records[i + 1 : i + 2]
        if len(cells) == width:
            # Spreadsheets fill a title up with empty cells, and blank lines too.
            title = width > 2 and not any(cells[1:]) and (not cells[0] or _has_letters(cells[0]))
            if not title or not above:
                return i
        elif len(cells) == width - 1 and above and above[0][1][width - 1 :] == [b""]:
            return i  # all records but the header end in a delimiter
    return None
