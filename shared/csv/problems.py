"""A problem of a record: its position, what was found and what was expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Callable

    OnProblem = Callable[["Problem"], None]
    """Called with a problem. If it returns, the record is left out and reading continues."""

EMPTY_FILE = "the file is empty: expected a header line, then one line per record"
SHOWN_PROBLEMS = 20
"""The number of problems in a report. All problems are counted."""
KEPT_RECORD = 64 << 10
"""The maximum size of the record that a problem keeps, in bytes."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a record is bad. Only the first problem of a record is reported."""

    line: int
    """The line on which the record begins, counted from 1."""
    offset: int
    """The bytes before the record in the decompressed file."""
    column: int | None
    """Counted from 1; None for a problem of the whole record."""
    name: str | None
    """The name of the column, if it has one; long names are cut. Without `column`, that of one that
    the file does not have."""
    found: str
    expected: str
    record: bytes
    """The record without its line end, in UTF-8 if it is valid text; the first `KEPT_RECORD` bytes
    of a long one."""
    file: str | None = None
    """The name of the file, if the job has several."""

    def __str__(self) -> str:
        where = f"line {self.line}"
        if self.file is not None:
            where = f"{show(self.file.encode())}, {where}"
        if self.column is not None:
            where += f", column {self.column}"
            if self.name is not None:
                where += f" ({show(self.name.encode())})"
        elif self.name is not None:
            where += f", column {show(self.name.encode())}"
        return f"{where}: found {self.found}, expected {self.expected}"


class MalformedRecord(MalformedInput):
    """A record of the file breaks a rule."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def refuse(problem: Problem) -> NoReturn:
    """An `OnProblem` that raises MalformedRecord for every problem."""
    raise MalformedRecord(problem)


def columns(number: int) -> str:
    """Return a number of columns for a message."""
    return f"{number} column{'s' if number != 1 else ''}"


def show(text: bytes, limit: int = 60) -> str:
    """Return `text` for a message: quoted, escaped, cut to about `limit` characters."""
    shown = repr(text[: limit * 4].decode(errors="backslashreplace")[:limit])
    return shown if len(text) <= limit else f"{shown}..."
