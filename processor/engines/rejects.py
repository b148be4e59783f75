"""Collect the problems of a file: keep the first, count all, and write the rejected records."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from processor.engines.csv_row import encode_row
from shared.csv.problems import SHOWN_PROBLEMS
from shared.errors import MalformedInput
from shared.jobs.rejects import COLUMNS
from shared.jobs.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO, Self

    from shared.csv.problems import Problem
    from shared.csv.records import Record, RecordReader
    from shared.jobs.report import Rows

_BUFFER = 1 << 20


class RejectsFile:
    """Writes bad records to the file at `path`, which is created for the first one.

    A context manager that closes the file on exit. Raises OSError, for example on a full disk.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self.size = 0
        """Bytes written so far; 0 if there is no file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, problem: Problem) -> None:
        """Append a record and its problem."""
        if self._file is None:
            self._file = self._path.open("wb", buffering=_BUFFER)
            self._append([name.encode() for name in COLUMNS])
        self._append(
            [
                b"%d" % problem.line,
                b"%d" % problem.offset,
                b"" if problem.column is None else b"%d" % problem.column,
                f"found {problem.found}, expected {problem.expected}".encode(),
                problem.record,
            ]
        )

    @property
    def sha256(self) -> str:
        """Lower-case hex digest of what has been written."""
        return self._digest.hexdigest()

    def _append(self, fields: Sequence[bytes]) -> None:
        assert self._file is not None  # noqa: S101
        row = encode_row(fields)
        self._file.write(row)
        self._digest.update(row)
        self.size += len(row)


class Problems:
    """Collects the problems of a file. Without `rejects`, the first problem fails the file.

    The file is still read to its end, so that all problems are counted.
    """

    def __init__(self, rejects: RejectsFile | None = None) -> None:
        self._rejects = rejects
        self.count = 0
        self.first: list[Problem] = []
        """The first problems, without their records."""
        self.fatal: Sequence[Problem] = self.first if rejects is None else ()
        """Problems that fail the file; empty while the file can have a result."""

    def take(self, problem: Problem) -> None:
        """Add a problem. Raises OSError if its record cannot be written."""
        self.count += 1
        if len(self.first) < SHOWN_PROBLEMS:
            self.first.append(replace(problem, record=b""))
        if self._rejects is not None:
            self._rejects.write(problem)

    def check(self, rows: Rows) -> None:
        """Raise MalformedInput if the file, with these rows, has no result."""
        if not self.count:
            return
        if self.fatal:
            more = self.count - 1
            others = f" (and {more} more problem{'s' if more > 1 else ''})" if more else ""
            raise MalformedInput(f"{self.first[0]}{others}", self.report(rows))
        if rows.total == rows.rejected:
            # An empty result would look like that of a file without records.
            every = "the only row was" if self.count == 1 else f"all {self.count} rows were"
            raise MalformedInput(f"{every} rejected: {self.first[0]}", self.report(rows))

    def report(self, rows: Rows) -> Report:
        """Return a report of the rows and the problems."""
        return Report(rows=rows, problems=tuple(self.first), problem_count=self.count)


@dataclass(frozen=True, slots=True)
class Table:
    """A file whose header has been read."""

    reader: RecordReader
    records: Iterator[Record]
    """The records below the header; each must be used or rejected before the next."""
    width: int
    """The number of fields that a record must have."""
    fatal: Sequence[object] = ()
    """Once it is not empty, records are only checked, and not aggregated."""
