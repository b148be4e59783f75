"""The report of a job: how its file was read, what became of every row, what the work took."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from shared.csv.dialect import STRICT, Dialect
from shared.csv.problems import SHOWN_PROBLEMS, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.errors import JobFailed

T = TypeVar("T")

VERSION = 1


@dataclass(frozen=True, slots=True)
class Rows:
    """What became of a file's records, the header not counted. Each is one of the three."""

    aggregated: int = 0
    filtered: int = 0
    """Left out by `where`."""
    rejected: int = 0
    """Left out, or the reason of the FAILURE, because a rule was broken."""

    @property
    def total(self) -> int:
        """All records of the file."""
        return self.aggregated + self.filtered + self.rejected


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long each stage took."""

    queue: float = 0.0
    """From the making of the job to the attempt that ended it, earlier attempts included."""
    aggregate: float = 0.0
    """Reading the file, as often as needed, and grouping."""
    write: float = 0.0
    """Sorting and writing the result."""
    store: float = 0.0
    """Sending it to storage."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the attempt that ended a job has found and used.

    Of an attempt that failed because of the file, the rows are what they would have been had the
    bad ones been skipped. One that failed for another reason, or before anything was known of the
    file, is `unfinished`.
    """

    rows: Rows = Rows()
    groups: int = 0
    """Rows of the result, without the header."""
    problems: tuple[Problem, ...] = ()
    """The first `SHOWN_PROBLEMS`, without their records."""
    problem_count: int = 0
    dialect: Dialect | None = STRICT
    """None if the attempt was over before it was known."""
    engine: str = ""
    engine_version: str = ""
    plan: str = ""
    """Which of the engine's ways it was."""
    bytes_in: int = 0
    bytes_decompressed: int = 0
    """Of the file, once it was decompressed; as many as `bytes_in` if there was nothing to."""
    bytes_out: int = 0
    """Of the result."""
    seconds: Seconds = Seconds()
    peak_memory: int = 0
    """Bytes of the engine's process that were resident at a time."""
    peak_scratch: int = 0
    """Bytes on the scratch disk at a time, as looked at several times a second; of an attempt that
    needed more than it may have, at least that."""
    rows_of_several_lines: int | None = None
    """Records that were read and go over several lines; None if that was not counted."""
    most_lines: int | None = None
    """The lines of the longest of these, 1 if there is none; None if that was not counted."""
    attempts: int = 0
    """How many attempts it took, this one included."""
    unfinished: bool = False
    """Whether the attempt was over before the file was: there are no `rows`, `groups`,
    `bytes_decompressed` and `bytes_out` to tell of then, which are 0 here."""


def report_of(error: JobFailed) -> Report | None:
    """The report that an attempt's failure carries, if it has one."""
    return error.report if isinstance(error.report, Report) else None


def encode_report(report: Report) -> str:
    """A report as text, ASCII only, which `decode_report` reads."""
    fields = asdict(report)
    fields["problems"] = [
        {name: value for name, value in problem.items() if name != "record"}
        for problem in fields["problems"][:SHOWN_PROBLEMS]
    ]
    # Gateways of before, which may run beside newer processors, need a dialect in any case.
    fields["dialect"] = asdict(report.dialect or STRICT)
    fields["dialect_known"] = report.dialect is not None
    return json.dumps({"version": VERSION, **fields})


def decode_report(text: str) -> Report:
    """The report that was written as `text`; what a newer csvmill has added is left out."""
    fields: dict[str, Any] = json.loads(text)
    return _known(
        Report,
        {
            **fields,
            "rows": _known(Rows, fields["rows"]),
            "seconds": _known(Seconds, fields["seconds"]),
            "dialect": _dialect(fields["dialect"]) if fields.get("dialect_known", True) else None,
            "problems": tuple(
                _known(Problem, {**problem, "record": b""}) for problem in fields["problems"]
            ),
        },
    )


def _dialect(fields: Mapping[str, Any]) -> Dialect:
    dialect = _known(Dialect, fields)
    if dialect.line_ends is None:
        return dialect
    return dataclasses.replace(dialect, line_ends=tuple(dialect.line_ends))


def _known(kind: type[T], fields: Mapping[str, Any]) -> T:
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in fields.items() if name in names})
