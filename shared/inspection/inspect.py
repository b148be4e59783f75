"""What is understood of a file by its beginning. It is shown, and decides nothing.

Bounded by the sample. Takes up to seconds of CPU for one that is made to: run it in a thread.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from shared.aggregation.resolve import resolve
from shared.api.inspection import ColumnView, DialectView, InspectionView
from shared.api.problem import ProblemView
from shared.csv.compression import compression_of
from shared.csv.dialect import UNDECLARED
from shared.csv.problems import EMPTY_FILE, SHOWN_PROBLEMS
from shared.csv.records import RecordReader
from shared.errors import InvalidInput, MalformedInput, SpecMismatch
from shared.inspection.columns import columns_of, summarise
from shared.inspection.detect import Detected, detect
from shared.inspection.header import Verdict
from shared.inspection.sample import SAMPLE, CutOff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.aggregation.resolve import Query
    from shared.aggregation.spec import Aggregation
    from shared.csv.dialect import Dialect, Input
    from shared.csv.problems import Problem
    from shared.inspection.columns import ColumnSummary

REACH = 16 << 20
"""Bytes of text in which the end of a header is looked for that goes beyond the sample."""
LOOKED_AT = REACH + SAMPLE
"""Bytes of a file that are enough for whatever can be told."""
_LONG_RECORDS = 10_000
"""Records, good or bad, that are looked at below such a header."""
_NAMED = Verdict(True, "a column is asked for by its name")
_ENDLESS = (
    f"the header does not end within the first {REACH >> 20} MiB, and nothing can be told of it: "
    "if lines end in CR, or quotes are text, set input.line_end or input.quote"
)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is understood of a file."""

    dialect: Dialect
    header: Verdict
    """Whether there is a header, and why. If that has to be said, the rest is as if there is."""
    columns: tuple[ColumnSummary, ...]
    column_count: int
    rows: int
    """Records looked at, without the header and without bad ones."""
    rows_of_several_lines: int
    most_lines: int
    """Of the longest of these, 1 if there is none."""
    notes: tuple[str, ...]
    """Of numbers that may be written otherwise than they are read."""
    size: int
    """Bytes of text looked at, in UTF-8."""
    whole: bool
    """Whether that is all there is of the file."""
    problems: tuple[Problem, ...]
    """The first."""
    problem_count: int
    error: str | None
    """Why no record can be read, if that is so."""
    fits: Fit | None
    """Of what is asked, if anything is."""

    @property
    def bom(self) -> bool:
        """Whether there is a byte order mark."""
        return bool(self.dialect.bom)

    @property
    def line_ends(self) -> tuple[str, ...]:
        """Those that there are of `lf`, `crlf` and `cr`, quoted ones too."""
        return self.dialect.line_ends or ()


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether an aggregation is for a file."""

    error: str | None
    """What of it is not, and the nearest column."""
    columns: tuple[str, ...]
    """The output's, if it is."""


def inspect(sample: bytes, *, whole: bool, aggregation: Aggregation | None) -> Inspection:
    """What is understood of a file that begins with `sample`, and is to be aggregated so.

    `whole` says that the sample is all of it. With None nothing is asked, and what the file is
    written like is found out all the same. Without columns and error, the header has to be waited
    for.
    """
    found = _inspected(sample, whole, aggregation, SAMPLE)
    if found.whole and not found.column_count and not found.error:
        return replace(found, error=EMPTY_FILE)
    if found.column_count or found.error or found.whole:
        return found
    found = _inspected(sample, whole, aggregation, REACH)
    if not found.column_count and not found.error and _exhausted(sample, found.size):
        return replace(found, error=_ENDLESS)
    return found


def _exhausted(sample: bytes, size: int) -> bool:
    """Whether all was looked at that ever is; it has `size` bytes of text."""
    return len(sample) >= LOOKED_AT or size >= REACH


def _inspected(
    sample: bytes, whole: bool, aggregation: Aggregation | None, reach: int
) -> Inspection:
    given = UNDECLARED if aggregation is None else aggregation.known_input
    strict = aggregation is not None and aggregation.is_default
    try:
        detected = detect(sample, whole=whole, given=given, strict=strict, reach=reach)
    except MalformedInput as error:
        return _told(_unseen(sample, given), (), 0, (), 0, str(error), None, RecordReader(()))
    if aggregation is not None and aggregation.input.header is None and given.header:
        detected = replace(detected, header=_NAMED)
    problems: list[Problem] = []
    count = 0
    most = sys.maxsize if reach == SAMPLE else _LONG_RECORDS

    def keep(problem: Problem) -> None:
        nonlocal count
        if count == most:
            raise CutOff
        count += 1
        if len(problems) < SHOWN_PROBLEMS:
            problems.append(problem)

    reader = RecordReader(detected.blocks(), detected.dialect, keep)
    columns: list[ColumnSummary] = []
    rows, unreadable, fits = 0, None, None
    notes: list[str] = []
    try:
        records = iter(reader)
        header = next(records, None)
        if header is not None:
            columns = columns_of(header[1])
            if aggregation is not None:
                fits = _fit(aggregation, header[1], detected.header)
            below = islice(records, most)
            rows, notes = summarise(columns, reader, below, len(header[1]), detected.dialect)
    except CutOff:
        pass  # within the header
    except MalformedInput as malformed:
        unreadable = str(malformed)
    return _told(detected, columns, rows, problems, count, unreadable, fits, reader, notes)


def _unseen(sample: bytes, given: Input) -> Detected:
    """What can be said of a file without looking inside."""
    empty = detect(b"", whole=True, given=replace(given, compression="none"), strict=True)
    compression = given.compression or compression_of(sample)
    return replace(empty, dialect=replace(empty.dialect, compression=compression))


def check_header(sample: bytes, *, whole: bool, aggregation: Aggregation) -> bool:
    """Whether all is said that `sample` can tell; else there is more to know with more of the file.

    Raises SpecMismatch if the header is not what is asked for, as the job will read it;
    MalformedInput if the file can't be read at all. Of a header that goes beyond `REACH` bytes
    nothing can be told.
    """
    for reach in (SAMPLE, REACH):
        detected = detect(
            sample,
            whole=whole,
            given=aggregation.known_input,
            strict=aggregation.is_default,
            reach=reach,
        )
        if not detected.settled:
            return False
        _check_said(detected.header)
        with suppress(CutOff):
            for _line, fields in RecordReader(detected.blocks(), detected.dialect, _passed_over):
                _resolved(aggregation, fields, detected.header)
                return True
    return _exhausted(sample, len(detected.text))


def inspection_view(inspection: Inspection) -> InspectionView:
    """Return an inspection as the API and `csvmill inspect` show it."""
    fits = inspection.fits
    return InspectionView.from_value(
        inspection,
        input=DialectView.from_value(inspection.dialect, header=inspection.header.header),
        header_reason=inspection.header.reason,
        sep_line=inspection.dialect.sep_line,
        line_ends=list(inspection.line_ends),
        columns=list(map(ColumnView.from_value, inspection.columns)),
        notes=list(inspection.notes),
        bytes=inspection.size,
        problems=list(map(ProblemView.from_value, inspection.problems)),
        fits=None if fits is None else fits.error is None,
        misfit=None if fits is None else fits.error,
        output_columns=None if fits is None or fits.error else list(fits.columns),
    )


def _told(
    detected: Detected,
    columns: Sequence[ColumnSummary],
    rows: int,
    problems: Sequence[Problem],
    problem_count: int,
    error: str | None,
    fits: Fit | None,
    reader: RecordReader,
    notes: Sequence[str] = (),
) -> Inspection:
    return Inspection(
        dialect=detected.dialect,
        header=detected.header,
        columns=tuple(columns),
        column_count=len(reader.header),
        rows=rows,
        rows_of_several_lines=reader.of_several_lines,
        most_lines=reader.most_lines,
        notes=tuple(notes),
        size=len(detected.text),
        whole=detected.whole,
        problems=tuple(problems),
        problem_count=problem_count,
        error=error,
        fits=fits,
    )


def _fit(aggregation: Aggregation, header: Sequence[bytes], found: Verdict) -> Fit:
    try:
        return Fit(None, _resolved(aggregation, header, found).names)
    except SpecMismatch as error:
        return Fit(str(error), ())


def _resolved(aggregation: Aggregation, header: Sequence[bytes], found: Verdict) -> Query:
    _check_said(found)
    try:
        return resolve(aggregation, [name.decode(errors="replace") for name in header])
    except InvalidInput as error:
        raise SpecMismatch(str(error), field=error.field) from error


def _check_said(found: Verdict) -> None:
    if found.header is None:
        raise SpecMismatch(found.reason, field="input.header")


def _passed_over(_problem: Problem) -> None:
    """A bad record is the job's to judge."""
