"""The report of an attempt: how the file was read, the fate of its rows, times and memory."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from shared.csv.dialect import STRICT, Dialect, NumberStyle
from shared.csv.problems import SHOWN_PROBLEMS, Problem
from shared.jobs.warnings import FileWarning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.csv.dialect import Compression, Encoding
    from shared.errors import JobFailed

T = TypeVar("T")

VERSION = 1


@dataclass(frozen=True, slots=True)
class Rows:
    """The numbers of records of a file, without the header. Every record is one of the three."""

    aggregated: int = 0
    filtered: int = 0
    """Excluded by `where`."""
    rejected: int = 0
    """Records with a problem: left out of the result, or the reason why the job failed."""

    @property
    def total(self) -> int:
        """The number of records in the file."""
        return self.aggregated + self.filtered + self.rejected


@dataclass(frozen=True, slots=True)
class Seconds:
    """The seconds of each stage."""

    queue: float = 0.0
    """From the creation of the job to this attempt, including earlier attempts."""
    aggregate: float = 0.0
    """Reading the file and grouping."""
    write: float = 0.0
    """Sorting and writing the result."""
    store: float = 0.0
    """Sending the result to storage."""


@dataclass(frozen=True, slots=True)
class InputReport:
    """What an attempt found in one of several files."""

    name: str
    bytes_in: int
    rows: Rows
    delimiter: str
    encoding: Encoding
    compression: Compression


@dataclass(frozen=True, slots=True)
class Report:
    """What an attempt found in the file, and what it used.

    If the attempt failed because of the file, `rows` are as if bad records had been skipped. If it
    failed for another reason, or before anything was known of the file, it is `unfinished`.
    """

    rows: Rows = Rows()
    groups: int = 0
    """Rows of the result, without the header."""
    problems: tuple[Problem, ...] = ()
    """The first `SHOWN_PROBLEMS`, without their records."""
    problem_count: int = 0
    warnings: tuple[FileWarning, ...] = ()
    """What is doubtful in a file that was read; none if the file is bad."""
    dialect: Dialect | None = STRICT
    """None if the attempt ended before it was known."""
    engine: str = ""
    engine_version: str = ""
    plan: str = ""
    """`exact`. Earlier versions also had a plan `fast`."""
    bytes_in: int = 0
    bytes_decompressed: int = 0
    """Size of the decompressed file; equal to `bytes_in` if it is not compressed."""
    bytes_out: int = 0
    """Size of the result."""
    seconds: Seconds = Seconds()
    peak_memory: int = 0
    """The most bytes of resident memory of the engine's processes."""
    peak_scratch: int = 0
    """The most bytes on the scratch disk, sampled several times a second; at least the limit for an
    attempt that exceeded it."""
    rows_of_several_lines: int | None = None
    """Records that span several lines; None if they were not counted."""
    most_lines: int | None = None
    """The lines of the longest record; None if they were not counted."""
    lines_passed_over: int | None = None
    """Lines that are in no record: empty lines, comments, and what is above and below the table;
    None if they were not counted."""
    rejects_omitted: int | None = None
    """Records that were left out, and are not in the file of rejects either, because it was full;
    None if they were not counted."""
    rows_padded: int | None = None
    """Records that were filled with empty cells; None if they were not counted."""
    rows_truncated: int | None = None
    """Records of which cells were dropped; None if they were not counted."""
    confinement: tuple[str, ...] = ()
    """What confined the engine's process: `rlimits`, `no_new_privs`, `landlock`, `seccomp`."""
    attempts: int = 0
    """Attempts so far, including this one."""
    head_start: int | None = None
    """Bytes that had been read when the upload ended, if it was aggregated while it was received;
    else None."""
    inputs: tuple[InputReport, ...] = ()
    """The first `SHOWN_INPUTS` files, in their order, if the job has several; else none."""
    cluster: str | None = None
    """The kind of the cluster that read the file: `spark`; None if this machine did."""
    unfinished: bool = False
    """Whether the attempt ended before the end of the file. Then `rows`, `groups`,
    `bytes_decompressed` and `bytes_out` are unknown, and 0 here."""


def report_of(error: JobFailed) -> Report | None:
    """Return the report of a failed attempt, if the error has one."""
    return error.report if isinstance(error.report, Report) else None


def encode_report(report: Report) -> str:
    """Return a report as ASCII text for `decode_report`."""
    fields = asdict(report)
    fields["problems"] = [
        {name: value for name, value in problem.items() if name != "record"}
        for problem in fields["problems"][:SHOWN_PROBLEMS]
    ]
    # Older gateways, which may run beside newer processors, require a dialect.
    fields["dialect"] = asdict(report.dialect or STRICT)
    fields["dialect_known"] = report.dialect is not None
    return json.dumps({"version": VERSION, **fields})


def decode_report(text: str) -> Report:
    """Return the report in `text`. Fields that a newer csvmill has added are ignored."""
    fields: dict[str, Any] = json.loads(text)
    return _known(
        Report,
        {
            **fields,
            "rows": _known(Rows, fields["rows"]),
            "seconds": _known(Seconds, fields["seconds"]),
            "dialect": _dialect(fields["dialect"]) if fields.get("dialect_known", True) else None,
            "confinement": tuple(fields.get("confinement", ())),
            "problems": tuple(
                _known(Problem, {**problem, "record": b""}) for problem in fields["problems"]
            ),
            "warnings": tuple(
                _known(FileWarning, warning) for warning in fields.get("warnings", ())
            ),
            "inputs": tuple(
                _known(InputReport, {**each, "rows": _known(Rows, each["rows"])})
                for each in fields.get("inputs", ())
            ),
        },
    )


def _dialect(fields: Mapping[str, Any]) -> Dialect:
    dialect = _known(Dialect, fields)
    line_ends = dialect.line_ends
    return dataclasses.replace(
        dialect,
        null=tuple(dialect.null),
        number=_known(NumberStyle, fields.get("number", {})),
        line_ends=None if line_ends is None else tuple(line_ends),
        unit_row=None if dialect.unit_row is None else (dialect.unit_row[0], dialect.unit_row[1]),
    )


def _known(kind: type[T], fields: Mapping[str, Any]) -> T:
    names = _names(kind)  # type: ignore[arg-type]
    return kind(**{name: value for name, value in fields.items() if name in names})


@cache
def _names(kind: Any) -> frozenset[str]:
    return frozenset(field.name for field in dataclasses.fields(kind))
