"""Aggregate a file: read it strictly, collect its problems, and write the result."""

from __future__ import annotations

import decimal
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shared.aggregation.cells import EXACT
from shared.aggregation.resolve import resolve
from shared.csv.compression import decompress
from shared.csv.problems import EMPTY_FILE, SHOWN_PROBLEMS, MalformedRecord, columns, show
from shared.csv.records import RecordReader
from shared.errors import InvalidInput, MalformedInput
from shared.inspection.open_text import open_text
from shared.jobs.rejects import COLUMNS
from shared.jobs.report import Report, Rows
from shared.jobs.warnings import refusal
from tests.reference.cells import BadCell, holds, key_of, values_of
from tests.reference.doubts import Doubts, utf8_text
from tests.reference.functions import compute, ratio
from tests.reference.record_doubts import RecordDoubts
from tests.reference.rows import csv_line, encoded, ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.aggregation.resolve import Query
    from shared.csv.dialect import Dialect
    from shared.csv.problems import Problem
    from shared.csv.records import Record
    from shared.jobs.job import Aggregation

    Groups = dict[tuple[bytes, ...], list[list[Any]]]
    """For each group, the values of each aggregate."""

BLOCK = 1 << 20


@dataclass(frozen=True)
class Outcome:
    """What an aggregation of a file gives."""

    result: bytes
    """Not compressed; Parquet as CSV. Empty if there is none."""
    rejects: bytes
    reason: str
    """Why there is no result; empty if there is one."""
    report: Report | None
    """What was found in the file; None if the file as a whole is damaged."""


@dataclass(frozen=True)
class _Bytes:
    """The bytes of a file."""

    plain: bytes
    """Decompressed, in its encoding."""
    text: list[bytes]
    """In UTF-8, in blocks that are added when they are read."""


def aggregate(data: bytes, aggregation: Aggregation, *, most_rejects: int = 1 << 30) -> Outcome:
    """Aggregate a file as it was sent. The rejects have up to `most_rejects` bytes."""
    # By default Python refuses to convert numbers of more than 4300 digits.
    sys.set_int_max_str_digits(0)
    blocks = [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)]
    sizes: list[int] = []
    try:
        dialect, text = open_text(
            blocks,
            aggregation.known_input,
            None,
            sizes.append,
            names=aggregation.named_columns,
            strict=aggregation.is_default,
        )
    except MalformedInput as error:
        return Outcome(b"", b"", str(error), None)
    skip = aggregation.input.on_bad_row == "skip"
    problems = _Problems(most_rejects if skip else None)
    read: list[bytes] = []
    reader = RecordReader(_noted(text, read), dialect, problems.take)
    result, reason, report = b"", "", Report()
    try:
        with decimal.localcontext(EXACT):
            plain = b"".join(decompress(iter([data]), dialect.compression, None))
            found = _Bytes(plain, read)
            result, report = _aggregated(aggregation, dialect, reader, problems, found)
    except MalformedInput as error:
        if isinstance(error, MalformedRecord):
            problems.take(error.problem)
        reason = str(error)
        report = error.report if isinstance(error.report, Report) else Report()
    return Outcome(
        result,
        b"".join(problems.rejects) if skip and not reason else b"",
        reason,
        _with_file(report, dialect, reader, problems, sum(sizes)),
    )


def _noted(blocks: Iterable[bytes], to: list[bytes]) -> Iterator[bytes]:
    """Yield blocks, and append each to `to`."""
    for block in blocks:
        to.append(block)
        yield block


def _with_file(
    report: Report, dialect: Dialect, reader: RecordReader, problems: _Problems, size: int
) -> Report:
    return replace(
        report,
        problems=tuple(problems.first),
        problem_count=problems.count,
        dialect=dialect,
        bytes_decompressed=size,
        rows_of_several_lines=reader.of_several_lines,
        most_lines=reader.most_lines,
        lines_passed_over=reader.passed_over,
        rejects_omitted=problems.omitted,
        rows_padded=reader.padded,
        rows_truncated=reader.truncated,
    )


def _aggregated(
    aggregation: Aggregation,
    dialect: Dialect,
    reader: RecordReader,
    problems: _Problems,
    read: _Bytes,
) -> tuple[bytes, Report]:
    """Return the result and its report. Raises MalformedInput."""
    skip = aggregation.input.on_bad_row == "skip"
    records = iter(reader)
    written = aggregation.notation.of_values
    query, width, header_line = _query(aggregation, reader, records, problems, skip=skip)
    names = [name.decode() for name in reader.header]
    written_as = RecordDoubts(dialect, width, header_line, read.text)
    of_text = utf8_text(read.plain, dialect)
    doubts = Doubts(query, names, aggregation.notation, dialect, written_as, of_text)
    groups, rows = _groups(query, reader, records, width, doubts, problems)
    rows = replace(rows, rejected=problems.count)
    problems.check(rows, skip=skip)
    try:
        found = [_row(query, key, values) for key, values in sorted(groups.items())]
    except MalformedInput as error:
        raise MalformedInput(str(error), Report(rows=rows)) from error
    found = ordered(query, [row for row in found if holds(query.having, row, written)])
    report = Report(rows=rows, groups=len(found), warnings=doubts.warnings(groups))
    if report.warnings and aggregation.on_warning == "fail":
        raise MalformedInput(refusal(report.warnings), report)
    return encoded(query, found), report


def _row(query: Query, key: tuple[bytes, ...], values: list[list[Any]]) -> list[bytes]:
    """Return the row of a group. Raises MalformedInput."""
    cells = [
        compute(aggregate, column)
        for aggregate, column in zip(query.aggregation.aggregates, values, strict=True)
    ]
    for i, of in enumerate(query.ratios):
        if of is not None:
            cells[i] = ratio(cells[of[0]], cells[of[1]])
    return [*key, *cells]


def _query(
    aggregation: Aggregation,
    reader: RecordReader,
    records: Iterator[Record],
    problems: _Problems,
    *,
    skip: bool,
) -> tuple[Query, int, int]:
    """Return the query for the header, the number of columns, and the line of the header."""
    line, header = next(records, (1, None))
    if header is None:
        # Without a header, all records may have been bad.
        problems.check(Rows(rejected=problems.count), skip=skip)
        raise MalformedInput(EMPTY_FILE)
    if len(header) < aggregation.width:
        raise reader.malformed(
            line,
            None,
            f"a header of {columns(len(header))}: {show(b','.join(header))}",
            f"at least {columns(aggregation.width)}",
        )
    try:
        return resolve(aggregation, [name.decode() for name in header]), len(header), line
    except InvalidInput as error:
        raise MalformedInput(f"the aggregation does not fit the file: {error}") from error


def _groups(
    query: Query,
    reader: RecordReader,
    records: Iterator[Record],
    width: int,
    doubts: Doubts,
    problems: _Problems,
) -> tuple[Groups, Rows]:
    aggregation = query.aggregation
    notation = aggregation.notation
    nulls = {text.encode() for text in aggregation.input.null}
    groups: Groups = {}
    if not query.group_by:
        groups[()] = [[] for _ in aggregation.aggregates]
    aggregated = filtered = 0
    for line, found in records:
        fields = reader.fitted(found, width)
        if fields is None:
            continue
        doubts.see_record(line)
        doubts.written.see(line, found, reader, problems.last_line)
        cells = [b"" if field in nulls else field for field in fields]
        try:
            if not holds(query.where, cells, notation, doubts.see_test):
                filtered += 1
                doubts.see_excluded()
                continue
            key = key_of(query, cells)
            values = values_of(query, cells, notation)
        except BadCell as bad:
            reader.reject(bad.column + 1, show(fields[bad.column]), bad.expected)
            continue
        aggregated += 1
        doubts.see_row(fields, cells, key)
        kept = groups.setdefault(key, [[] for _ in aggregation.aggregates])
        for column, value in zip(kept, values, strict=True):
            if value is not None:
                column.append(value)
    return groups, Rows(aggregated=aggregated, filtered=filtered)


class _Problems:
    """The problems of a file, and its rejects."""

    def __init__(self, most: int | None) -> None:
        """`most`: the bytes of the rejects; None if there are none."""
        self.count = 0
        self.first: list[Problem] = []
        self.rejects: list[bytes] = []
        self.omitted = 0
        self.last_line = 0
        self._most = most

    def take(self, problem: Problem) -> None:
        self.count += 1
        self.last_line = problem.line
        if len(self.first) < SHOWN_PROBLEMS:
            self.first.append(replace(problem, record=b""))
        if self._most is None:
            return
        lines = b"" if self.rejects else csv_line([name.encode() for name in COLUMNS])
        lines += csv_line(
            [
                b"%d" % problem.line,
                b"%d" % problem.offset,
                b"" if problem.column is None else b"%d" % problem.column,
                f"found {problem.found}, expected {problem.expected}".encode(),
                problem.record,
            ]
        )
        # Nothing follows what did not fit.
        if self.omitted or sum(map(len, self.rejects)) + len(lines) > self._most:
            self.omitted += 1
        else:
            self.rejects.append(lines)

    def check(self, rows: Rows, *, skip: bool) -> None:
        """Raise MalformedInput if a file with these rows has no result."""
        if not self.count:
            return
        more = self.count - 1
        others = f" (and {more} more problem{'s' if more > 1 else ''})" if more else ""
        if not skip:
            raise MalformedInput(f"{self.first[0]}{others}", Report(rows=rows))
        if rows.total == rows.rejected:
            every = "the only row was" if self.count == 1 else f"all {self.count} rows were"
            raise MalformedInput(f"{every} rejected: {self.first[0]}", Report(rows=rows))
