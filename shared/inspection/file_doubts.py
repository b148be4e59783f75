"""What was read in a sample, but may mean something else: the warnings of an inspection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.aggregation.resolve import Combination
from shared.aggregation.spec import Arithmetic, notation_of
from shared.csv.problems import show
from shared.inspection.record_doubts import RecordDoubts
from shared.inspection.row_doubts import Grouping, RowDoubts
from shared.jobs.warnings import Finding, in_words, of_dialect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.aggregation.resolve import Query, Restriction
    from shared.csv.records import Record, RecordReader
    from shared.inspection.detect import Detection
    from shared.jobs.warnings import FileWarning

_MOST_COLUMNS = 20
"""Columns of grouped integers that are told."""


class FileDoubts:
    """What is seen in the records of a sample. Its parts see them, in the order of the file.

    What a question asks decides which rows are doubtful, and which columns are numbers. Without
    aggregates it asks nothing: rows are judged as without groups, and so are all columns of
    numbers.
    """

    def __init__(
        self, detected: Detection, reader: RecordReader, header: Record, query: Query | None
    ) -> None:
        has_where = query is not None and query.where is not None
        if query is not None and not query.aggregation.aggregates:
            query = None
        self._detected = detected
        self._dialect = detected.dialect
        self._numbers = None if query is None else frozenset(_numbers(query))
        line, names = header
        self._header = names
        self.records = RecordDoubts(self._dialect, reader, detected.text, line, len(names))
        # Rows that `where` excludes are no doubt, and it is not applied to a sample.
        self.rows = (
            None if has_where else RowDoubts(self._dialect, names, _grouping(query, len(names)))
        )
        self._grouped: list[Finding] = []

    def see_numbers(self, found: Iterable[Finding]) -> None:
        """Take that the numbers of a column may be grouped."""
        self._grouped += [
            each
            for each in found
            if len(self._grouped) < _MOST_COLUMNS
            and (self._numbers is None or (each.column or 0) - 1 in self._numbers)
        ]

    def end(self) -> None:
        """The record that was seen last is the last one of the file."""
        if self.rows is not None:
            self.rows.end()

    def warnings(self) -> tuple[FileWarning, ...]:
        """Return what to warn of. If the delimiter is in doubt, nothing is said of records."""
        found = of_text(self._detected)
        if self._detected.doubt is None:
            found += of_dialect(self._dialect)
            found += self.records.findings()
            found += [] if self.rows is None else self.rows.findings()
            found += self._grouped
        names = [""] * len(self._header)
        for column in {each.column for each in found if each.column is not None}:
            names[column - 1] = self._header[column - 1].decode(errors="replace")
        return in_words(found, names, notation_of(self._dialect))


def of_text(detected: Detection) -> list[Finding]:
    """Return whether the text is UTF-8 that was declared to be something else."""
    if not detected.utf8_text:
        return []
    return [Finding("utf8_text", 1, example=show(detected.utf8_text.encode()))]


def _grouping(query: Query | None, width: int) -> Grouping:
    if query is None:
        return Grouping()
    columns = tuple(column for column in query.group_by if column < width)
    texts = tuple(
        column
        for column, group in zip(query.group_by, query.aggregation.group_by, strict=True)
        if column < width and not (group.truncate or group.part or group.substring or group.match)
    )
    sums = any(
        aggregate.function == "sum"
        and aggregate.where is None
        and not isinstance(aggregate.column, Arithmetic)
        for aggregate in query.aggregation.aggregates
    )
    return Grouping(columns, texts, sums)


def _numbers(query: Query) -> Iterator[int]:
    """Yield the columns that are read as numbers with decimals, from 0."""
    for i, aggregate in enumerate(query.aggregation.aggregates):
        if aggregate.kind == "number":
            for column in (query.columns[i], query.operands[i]):
                if column is not None:
                    yield column
    yield from _tested(query.where)


def _tested(restriction: Restriction | None) -> Iterator[int]:
    if isinstance(restriction, Combination):
        for part in restriction.parts:
            yield from _tested(part)
    elif (
        restriction is not None
        and restriction.kind == "number"
        and restriction.operator != "is_empty"
    ):
        yield restriction.column
