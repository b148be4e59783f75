"""Which rows of a sample may not be data: names, totals, notes, and rows without a cell or group.

docs/report.md says what each kind of warning means; the engine looks for the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.csv.problems import show
from shared.inspection.tally import Tally
from shared.inspection.total_names import BLANKS, begins_note, is_blank, names_all, names_total
from shared.jobs.warnings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from shared.csv.dialect import Dialect

    Place = tuple[int, int, bytes]
    """The line of a row; a column of it, from 0; and the cell there."""

_OF_BLANKS = BLANKS.encode()
"""The bytes of blanks; those of a no-break space are in other characters too."""
_LABELS = 1000
"""Columns in which the name of a total is looked for."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """What of a question decides which rows are doubtful."""

    columns: tuple[int, ...] = ()
    """Those of the groups, from 0."""
    texts: tuple[int, ...] = ()
    """Those of them whose cells name the group."""
    sums: bool = False
    """Whether it has a sum, which shows whether a group has all others."""


class RowDoubts:
    """Sees the rows of a sample, in the order of the file."""

    def __init__(self, dialect: Dialect, header: Sequence[bytes], grouping: Grouping) -> None:
        self._header = list(header) if dialect.header else None
        self._delimiter = dialect.delimiter.encode()
        self._nulls: Collection[bytes] = frozenset(text.encode() for text in dialect.null)
        self._grouping = grouping
        self._repeated = Tally("repeated_header")
        self._similar = Tally("similar_header")
        self._empty = Tally("empty_row")
        self._totals = Tally("total_row")
        self._blanks = {column: Tally("blank_group") for column in grouping.texts}
        self._ends: list[tuple[int, list[bytes]]] = []
        """The first and the last row: the line, and the cells."""
        self._ended = False
        self._kinds: dict[bytes, str] = {}
        """Those of the cells that were seen: as many as are summarized."""

    def see(self, line: int, cells: list[bytes]) -> None:
        """Take a row with as many cells as the header."""
        self._ends = [self._ends[0] if self._ends else (line, cells), (line, cells)]
        if cells == self._header:
            self._repeated.add_record(line, cells, self._delimiter)
        elif self._grouping.columns and self._has_names(cells):
            self._similar.add_record(line, cells, self._delimiter)
        elif not b"".join(cells).translate(None, _OF_BLANKS) and all(map(is_blank, cells)):
            self._empty.add_record(line, cells, self._delimiter)
        elif self._grouping.texts:
            self._see_groups(line, cells)

    def end(self) -> None:
        """The row that was seen last is the last one of the file."""
        self._ended = True

    def findings(self) -> list[Finding]:
        """Return what to warn of."""
        totals, note = self._totals.findings(), []
        if self._ended and self._ends:
            labels = self._labels()
            labels.update(self._ends_of_all(labels))
            totals = self._all_totals([*labels.values()])
            note = self._note_row(labels)
        return [
            *self._repeated.findings(),
            *self._similar.findings(),
            *self._empty.findings(),
            *totals,
            *note,
            *(each for tally in self._blanks.values() for each in tally.findings()),
        ]

    def _see_groups(self, line: int, cells: list[bytes]) -> None:
        texts = [(column, self._text(cells, column)) for column in self._grouping.texts]
        for column, text in texts:
            if self._kind_of(text) == "total":
                self._totals.add(line, column, text)
                return
        for column, text in texts:
            if self._kind_of(text) == "blank":
                self._blanks[column].add(line, column, text)

    def _kind_of(self, text: bytes) -> str:
        """Return `total` or `blank`, or an empty string for the name of another group."""
        if text not in self._kinds:
            of_others = "blank" if is_blank(text) else ""
            self._kinds[text] = "total" if names_total(text) else of_others
        return self._kinds[text]

    def _has_names(self, cells: list[bytes]) -> bool:
        """Whether half of the cells, two or more, are the names of their columns."""
        names = self._header
        if not names or any(cells[each] != names[each] for each in self._grouping.columns):
            return False
        same = sum(bool(name) and name == cell for name, cell in zip(names, cells, strict=True))
        return same >= max(2, len(names) / 2)

    def _text(self, cells: list[bytes], column: int) -> bytes:
        return b"" if cells[column] in self._nulls else cells[column]

    def _total_of(self, cells: list[bytes]) -> bool:
        return any(names_total(self._text(cells, column)) for column in self._grouping.texts)

    def _labels(self) -> dict[int, Place]:
        """Return where the first (0) and last row (1) have the name of a total outside groups."""
        found = {}
        for end, (_, cells) in enumerate(self._ends):
            columns = (
                column
                for column, cell in enumerate(cells[:_LABELS])
                if cell and column not in self._grouping.columns and names_total(cell)
            )
            found[end] = None if cells == self._header else next(columns, None)
        # In the same column of both, it is a value like others.
        if found[0] == found[1]:
            return {}
        return {
            end: (self._ends[end][0], column, self._ends[end][1][column])
            for end, column in found.items()
            if column is not None and not self._total_of(self._ends[end][1])
        }

    def _ends_of_all(self, labels: Collection[int]) -> dict[int, Place]:
        """Return where a group of the first (0) and last row (1) is called "ALL"."""
        if self._grouping.sums:
            return {}
        found = {}
        for end, (_, cells) in enumerate(self._ends):
            columns = (
                column for column in self._grouping.texts if names_all(self._text(cells, column))
            )
            total = end in labels or self._total_of(cells)
            found[end] = None if total else next(columns, None)
        if found[0] == found[1]:
            return {}
        return {
            end: (self._ends[end][0], column, self._ends[end][1][column])
            for end, column in found.items()
            if column is not None
        }

    def _all_totals(self, ends: list[Place]) -> list[Finding]:
        """Return the rows whose groups are called totals, together with those at the `ends`."""
        totals = self._totals
        first = [(totals.line, totals.column or 0, totals.text)] if totals.count else []
        line, column, text = min([*first, *ends], default=(0, 0, b""))
        return Tally("total_row", totals.count + len(ends), line, column, text).findings()

    def _note_row(self, totals: Collection[int]) -> list[Finding]:
        """Return whether the last row may be a note."""
        line, cells = self._ends[1]
        if 1 in totals or self._total_of(cells) or self._is_note(self._ends[0][1]):
            return []
        if not self._is_note(cells):
            return []
        text = self._delimiter.join(filter(None, cells))
        return [Finding("note_row", 1, 0, line, 1, show(text))]

    def _is_note(self, cells: list[bytes]) -> bool:
        if len(cells) < 3 or cells == self._header or is_blank(cells[0]):
            return False
        return not any(cells[2:]) and (not cells[1] or begins_note(cells[0]))
