"""csvmill: jobs that count the equal records of a file, and that sum a column."""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.detection.reading import Reading
from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Input
from shared.errors import JobFailed
from shared.jobs.report import report_of
from tests.contract.engines.sources import LocalSource

if TYPE_CHECKING:
    from benchmarks.detection.outcome import Answer
    from processor.engines.port import Engine, EngineProgress
    from shared.jobs.warnings import FileWarning
    from tests.unit.shared.inspection.corpus import Question


@dataclass(frozen=True, slots=True)
class Done:
    """What a job gave."""

    rows: tuple[tuple[str, ...], ...] | None
    """The rows of the result, without the header; None if the job failed."""
    reason: str
    """Why it failed; empty if it did not."""
    warnings: tuple[FileWarning, ...]
    names: tuple[str, ...] | None = None
    """The names of the columns of the result; None if no header was read."""

    @property
    def kinds(self) -> list[str]:
        """The kinds of the warnings."""
        return [warning.kind for warning in self.warnings]


def kernel() -> Engine:
    """Return the engine of csvmill."""
    return NativeEngine(EngineLimits())


async def count(engine: Engine, path: Path, header: bool | None, width: int) -> Done:
    """Group the records of a file by all its `width` columns, by position, and count them."""
    aggregation = Aggregation(
        tuple(GroupColumn(column) for column in range(1, width + 1)),
        (Aggregate("count", None, "equal records"),),
        input=Input(header=header),
    )
    return await _done(engine, path, aggregation)


async def total(engine: Engine, path: Path, header: bool | None, question: Question) -> Done:
    """Sum the column of a question, and find its maximum, by position."""
    aggregation = Aggregation(
        () if question.group is None else (GroupColumn(question.group, "group"),),
        (
            Aggregate("sum", question.number, "sum", "number"),
            Aggregate("max", question.number, "max", "number"),
        ),
        input=Input(header=header, decimal=question.decimal),
    )
    return await _done(engine, path, aggregation)


def reading_of(done: Done) -> Reading:
    """Return the records that a job counted."""
    if done.rows is None:
        return Reading(told=done.reason)
    records = [list(row[:-1]) for row in done.rows for _ in range(int(row[-1]))]
    names = None if done.names is None else list(done.names[:-1])
    return Reading(names, records, warnings=done.kinds)


def answer_of(done: Done) -> Answer | None:
    """Return the sum and the maximum of each group; None if the job failed."""
    if done.rows is None:
        return None
    return {"".join(row[:-2]): (_number(row[-2]), _number(row[-1])) for row in done.rows}


def _number(cell: str) -> Decimal | None:
    return Decimal(cell) if cell else None


async def _done(engine: Engine, path: Path, aggregation: Aggregation) -> Done:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            output = await engine.aggregate(
                aggregation, [LocalSource(path)], Path(scratch), _ignore
            )
        except JobFailed as error:
            report = report_of(error)
            return Done(None, str(error), report.warnings if report else ())
        text = output.path.read_text(encoding="utf-8")
    names, *rows = map(tuple, csv.reader(io.StringIO(text, newline="")))
    dialect = output.report.dialect
    has_header = dialect is not None and dialect.header
    return Done(tuple(rows), "", output.report.warnings, names if has_header else None)


def _ignore(_progress: EngineProgress) -> None:
    pass
