"""What is wrong with a record, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Callable

    OnProblem = Callable[["Problem"], None]
    """Takes a problem. If it returns, the record is left out, and reading goes on after it."""

EMPTY_FILE = "the file is empty: expected a header line, then one line per record"
SHOWN_PROBLEMS = 20
"""How many problems of a file are told; the others are counted."""
KEPT_RECORD = 64 << 10
"""Bytes of a bad record that a problem keeps."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a record can't be taken. A record has one problem: the first that is met."""

    line: int
    """Where the record begins, counted from 1."""
    offset: int
    """Bytes before the record, in the file as it is once it is decompressed."""
    column: int | None
    """Counted from 1; None if it is about the record."""
    name: str | None
    """The column's, if it has one; of a long one the beginning."""
    found: str
    expected: str
    record: bytes
    """The record as it stands in the file, without its line end, in UTF-8 where it is text; of a
    long one the first `KEPT_RECORD` bytes."""

    def __str__(self) -> str:
        where = f"line {self.line}"
        if self.column is not None:
            where += f", column {self.column}"
            if self.name is not None:
                where += f" ({show(self.name.encode())})"
        return f"{where}: found {self.found}, expected {self.expected}"


class MalformedRecord(MalformedInput):
    """A record of the file breaks a rule."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def refuse(problem: Problem) -> NoReturn:
    """The `OnProblem` that accepts none. Raises MalformedRecord."""
    raise MalformedRecord(problem)


def columns(number: int) -> str:
    """So many columns, as it stands in a message."""
    return f"{number} column{'s' if number != 1 else ''}"


def show(text: bytes, limit: int = 60) -> str:
    """`text` as it stands in a message: quoted, escaped, cut to about `limit` characters."""
    shown = repr(text[: limit * 4].decode(errors="backslashreplace")[:limit])
    return shown if len(text) <= limit else f"{shown}..."
