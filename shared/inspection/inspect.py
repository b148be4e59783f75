"""Inspect the first bytes of a file: dialect, columns, problems, and whether a spec fits.

A hostile sample can take seconds of CPU time, so run `inspect` and `check_header` in a thread.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from shared.aggregation.cells import CANONICAL
from shared.aggregation.resolve import resolve
from shared.aggregation.spec import SONG_PLAYS
from shared.csv.compression import compression_of
from shared.csv.dialect import STRICT, UNDECLARED
from shared.csv.problems import EMPTY_FILE, SHOWN_PROBLEMS
from shared.csv.records import RecordReader
from shared.errors import InvalidInput, MalformedInput, SpecMismatch
from shared.inspection.columns import Summary, columns_of, summarize
from shared.inspection.detect import Detection, detect_dialect
from shared.inspection.file_doubts import FileDoubts, of_text
from shared.inspection.header import HeaderDecision
from shared.inspection.sample import SAMPLE_SIZE, Sample, SampleEnded
from shared.inspection.table_proposal import NONE, Proposal, propose
from shared.inspection.unreadable_cells import misread_column
from shared.jobs.warnings import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.aggregation.resolve import Query
    from shared.aggregation.spec import Aggregation
    from shared.csv.dialect import Dialect, Input
    from shared.csv.problems import Problem
    from shared.csv.records import Record
    from shared.inspection.columns import ColumnSummary, SampleRow
    from shared.jobs.warnings import FileWarning

MAX_HEADER_SIZE = 16 << 20
"""The maximum size of the header of a file that is inspected, in bytes of text."""
INSPECTION_LIMIT = MAX_HEADER_SIZE + SAMPLE_SIZE
"""The number of bytes that is enough for an inspection. More bytes do not change it."""
_RECORDS_BELOW_LONG_HEADER = 10_000
"""Records, good or bad, that are inspected below a header longer than the sample."""
_MOST_PROBLEMS = 10_000
"""Bad records, after which no more records are inspected."""
_PLAYS_COLUMN = SONG_PLAYS.width
"""The column of the default aggregation that has to contain integers."""
_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})
_NAMED_COLUMN = HeaderDecision(True, "the spec names a column")
_GIVEN_LINE = HeaderDecision(True, "input says which line it is")
_HEADER_TOO_LONG = (
    f"the header does not end within the first {MAX_HEADER_SIZE >> 20} MiB, so the file was not "
    "inspected; if lines end in CR, or quotes are text, set input.line_end or input.quote"
)


@dataclass(frozen=True, slots=True)
class Inspection:
    """The result of an inspection."""

    dialect: Dialect
    header: HeaderDecision
    """Whether there is a header, and why. If it is undecided, the rest assumes one."""
    columns: tuple[ColumnSummary, ...]
    column_count: int
    rows: int
    """Well-formed records inspected, without the header."""
    rows_of_several_lines: int
    most_lines: int
    """Lines of the longest of these; 1 if there is none."""
    notes: tuple[str, ...]
    """Why the delimiter has to be declared, and which texts may be numbers or dates in another
    notation than that of `dialect`."""
    proposal: dict[str, Any] | None
    """What to declare, as `input` of a spec, so that numbers and dates are read as such; None if
    the sample gives no reason for it."""
    size: int
    """Bytes of text inspected, in UTF-8."""
    whole: bool
    """Whether this is the whole file, and all of its records were read."""
    problems: tuple[Problem, ...]
    """The first `SHOWN_PROBLEMS`."""
    problem_count: int
    error: str | None
    """Why no record can be read; None if records can be read."""
    fits: Fit | None
    """Whether the spec fits the file; None without a spec."""
    text: Sample
    """What was inspected."""
    sample_rows: tuple[SampleRow, ...] = ()
    """The first well-formed records."""
    lines: Proposal = NONE
    """What to declare, as there are lines beside the table."""
    warnings: tuple[FileWarning, ...] = ()
    """What was read, but may mean something else."""

    @property
    def proposed(self) -> dict[str, Any] | None:
        """All that is proposed, as part of a spec; None if that is nothing."""
        values = self.proposal or {}
        if not self.lines.options:
            return values or None
        return {**values, "input": {**self.lines.options, **values.get("input", {})}}

    @property
    def default_fits(self) -> bool:
        """Whether the default aggregation, sent without a spec, fits the file as it is read here.

        So nothing differs from RFC 4180, there is certainly a header, the records in the sample are
        well-formed, and all cells of column 3 are integers.
        """
        return (
            self.error is None
            and not self.problem_count
            and self.lines is NONE
            and self.header.header is True
            and replace(self.dialect, compression=STRICT.compression, sep_line=False) == STRICT
            and len(self.columns) >= _PLAYS_COLUMN
            and self.columns[_PLAYS_COLUMN - 1].type == "integer"
            and not self.columns[_PLAYS_COLUMN - 1].empty
        )

    @property
    def bom(self) -> bool:
        """Whether there is a byte order mark."""
        return bool(self.dialect.bom)

    @property
    def line_ends(self) -> tuple[str, ...]:
        """The line ends that occur, of `lf`, `crlf` and `cr`, in quoted fields too."""
        return self.dialect.line_ends or ()


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether an aggregation fits a file."""

    error: str | None
    """Which part does not fit the header, and the nearest column, or which cells of the sample fail
    the job; None if all fits."""
    columns: tuple[str, ...]
    """The names of the output columns; empty if the aggregation does not fit."""
    field: str | None = None
    """The path of the part that does not fit, in the aggregation; None if all fits."""


def inspect(sample: bytes, *, whole: bool, aggregation: Aggregation | None) -> Inspection:
    """Inspect the file that begins with `sample`, for an aggregation or without one.

    `whole` is whether the sample is the whole file. If the result has neither columns nor an error,
    the header ends after the sample: inspect again with more bytes.
    """
    found = _with_proposal(sample, whole, aggregation)
    if found.whole and not found.column_count and not found.error:
        return replace(found, error=EMPTY_FILE)
    if found.column_count or found.error or found.whole:
        return found
    found = _inspected(sample, whole, aggregation, MAX_HEADER_SIZE)
    if not found.column_count and not found.error and _exhausted(sample, found.size):
        return replace(found, error=_HEADER_TOO_LONG)
    return found


def _exhausted(sample: bytes, size: int) -> bool:
    """Whether the sample, of `size` bytes of text, has reached a limit."""
    return len(sample) >= INSPECTION_LIMIT or size >= MAX_HEADER_SIZE


def _with_proposal(sample: bytes, whole: bool, aggregation: Aggregation | None) -> Inspection:
    """Return the inspection, with a proposal if that makes the file no worse."""
    found = _inspected(sample, whole, aggregation, SAMPLE_SIZE)
    declared = UNDECLARED if aggregation is None else aggregation.input
    names = () if aggregation is None else aggregation.named_columns
    proposal = propose(found.text, found.dialect, declared, names)
    if not proposal.options:
        return found
    other = _inspected(sample, whole, aggregation, SAMPLE_SIZE, proposal.options)
    if other.error or (other.problem_count > found.problem_count and not found.error):
        return found
    return replace(found, lines=proposal, proposal=other.proposal)


def _inspected(
    sample: bytes,
    whole: bool,
    aggregation: Aggregation | None,
    limit: int,
    options: Mapping[str, Any] = _NO_OPTIONS,
) -> Inspection:
    """Inspect a file with these further keys of `input`."""
    declared = UNDECLARED if aggregation is None else aggregation.known_input
    if options:
        has_header = True if "header_line" in options else declared.header
        declared = replace(declared, header=has_header, **options)
    strict = aggregation is not None and aggregation.is_default
    names = () if aggregation is None else aggregation.named_columns
    try:
        detected = detect_dialect(
            sample, whole=whole, declared=declared, names=names, strict=strict, limit=limit
        )
    except MalformedInput as error:
        return _inspection(
            _unreadable(sample, declared), (), Summary(), (), 0, str(error), None, RecordReader(())
        )
    if aggregation is not None and aggregation.input.header is None and declared.header:
        detected = replace(detected, header=_NAMED_COLUMN if names else _GIVEN_LINE)
    problems: list[Problem] = []
    count = 0
    most = sys.maxsize if limit == SAMPLE_SIZE else _RECORDS_BELOW_LONG_HEADER

    def keep(problem: Problem) -> None:
        nonlocal count
        if count == min(most, _MOST_PROBLEMS):
            raise SampleEnded
        count += 1
        if len(problems) < SHOWN_PROBLEMS:
            problems.append(problem)

    reader = RecordReader(detected.blocks(), detected.dialect, keep)
    columns: list[ColumnSummary] = []
    unreadable, fits, query = None, None, None
    summary = Summary()
    warnings: tuple[FileWarning, ...] = in_words(of_text(detected), (), CANONICAL)
    first: list[SampleRow] = []
    try:
        records = iter(reader)
        header = next(records, None)
        if header is not None:
            columns = columns_of(header[1])
            if aggregation is not None:
                fits, query = _fit(aggregation, header[1], detected)
            doubts = FileDoubts(detected, reader, header, query)
            below = _up_to(most, records)
            summary = summarize(
                columns, reader, below, len(header[1]), detected.dialect, first, doubts
            )
            warnings = doubts.warnings()
            if query and (misread := misread_column(query, columns, detected.dialect)):
                fits = Fit(misread[0], (), misread[1])
    except SampleEnded:
        pass  # the sample ends within the header
    except MalformedInput as malformed:
        unreadable = str(malformed)
    return replace(
        _inspection(detected, columns, summary, problems, count, unreadable, fits, reader),
        sample_rows=tuple(first),
        warnings=warnings,
    )


def _up_to(most: int, records: Iterator[Record]) -> Iterator[Record]:
    """Yield records. Raises SampleEnded after `most` of them."""
    yield from islice(records, most)
    if most != sys.maxsize:
        raise SampleEnded


def _unreadable(sample: bytes, declared: Input) -> Detection:
    """Return the dialect of a file that cannot be decoded: its compression only."""
    empty = detect_dialect(
        b"", whole=True, declared=replace(declared, compression="none"), strict=True
    )
    compression = declared.compression or compression_of(sample)
    return replace(empty, dialect=replace(empty.dialect, compression=compression))


def check_header(sample: bytes, *, whole: bool, aggregation: Aggregation) -> bool:
    """Check that the header of the file fits the aggregation.

    Return whether the check is final; False means that more bytes of the file are needed. A header
    longer than `MAX_HEADER_SIZE` is not checked. Raises SpecMismatch if the aggregation does not
    fit the header, as its job would, and MalformedInput if the file cannot be read at all.
    """
    if (aggregation.input.compression or compression_of(sample)) == "xlsx":
        return True  # it is read from its end
    for limit in (SAMPLE_SIZE, MAX_HEADER_SIZE):
        detected = detect_dialect(
            sample,
            whole=whole,
            declared=aggregation.known_input,
            names=aggregation.named_columns,
            strict=aggregation.is_default,
            limit=limit,
        )
        if not detected.conclusive:
            return False
        _check_decided(detected)
        with suppress(SampleEnded):
            for _line, fields in RecordReader(detected.blocks(), detected.dialect, _skip):
                _resolved(aggregation, fields, detected)
                return True
    return _exhausted(sample, len(detected.text))


def _inspection(
    detected: Detection,
    columns: Sequence[ColumnSummary],
    summary: Summary,
    problems: Sequence[Problem],
    problem_count: int,
    error: str | None,
    fits: Fit | None,
    reader: RecordReader,
) -> Inspection:
    return Inspection(
        dialect=detected.dialect,
        header=detected.header,
        columns=tuple(columns),
        column_count=len(reader.header),
        rows=summary.rows,
        rows_of_several_lines=reader.of_several_lines,
        most_lines=reader.most_lines,
        notes=(*([] if detected.doubt is None else [detected.doubt]), *summary.notes),
        proposal=summary.proposal,
        size=len(detected.text),
        whole=detected.whole and summary.whole,
        problems=tuple(problems),
        problem_count=problem_count,
        text=Sample(detected.text, detected.whole),
        error=error,
        fits=fits,
    )


def _fit(
    aggregation: Aggregation, header: Sequence[bytes], found: Detection
) -> tuple[Fit, Query | None]:
    try:
        query = _resolved(aggregation, header, found)
    except SpecMismatch as error:
        return Fit(str(error), (), error.field), None
    return Fit(None, query.names), query


def _resolved(aggregation: Aggregation, header: Sequence[bytes], found: Detection) -> Query:
    _check_decided(found)
    try:
        return resolve(aggregation, [name.decode(errors="replace") for name in header])
    except InvalidInput as error:
        raise SpecMismatch(str(error), field=error.field) from error


def _check_decided(found: Detection) -> None:
    if found.doubt is not None:
        raise SpecMismatch(found.doubt, field="input.delimiter")
    if found.header.header is None:
        raise SpecMismatch(found.header.reason, field="input.header")


def _skip(_problem: Problem) -> None:
    """Ignore a bad record; the job reports it."""
