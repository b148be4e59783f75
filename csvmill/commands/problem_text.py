"""Problems of a file as text: those in a row that are alike share a line."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from shared.csv.problems import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ALIKE = 3
"""Problems in a row that share a line, or more."""
EXAMPLES = 3
"""Cells, and lines, that such a line names."""


class ProblemLike(Protocol):
    """A problem, of a job or of an inspection."""

    @property
    def line(self) -> int: ...  # noqa: D102
    @property
    def column(self) -> int | None: ...  # noqa: D102
    @property
    def name(self) -> str | None: ...  # noqa: D102
    @property
    def found(self) -> str: ...  # noqa: D102
    @property
    def expected(self) -> str: ...  # noqa: D102


def describe_problems(problems: Iterable[ProblemLike]) -> list[str]:
    """Return a line for each problem, and one for several in a row that are alike."""
    lines: list[str] = []
    for _, group in groupby(problems, key=_kind):
        alike = list(group)
        lines += [_folded(alike)] if len(alike) >= ALIKE else map(describe_problem, alike)
    return lines


def describe_problem(problem: ProblemLike) -> str:
    """Return a problem on one line."""
    where = f"{_file(problem)}line {problem.line}{_column(problem)}"
    return f"{where}: found {problem.found}, expected {problem.expected}"


def _file(problem: ProblemLike) -> str:
    """Return the file of a problem, if the job has several."""
    file = getattr(problem, "file", None)
    return f"{file}: " if file else ""


def _kind(problem: ProblemLike) -> tuple[str, int | None, str]:
    """Return what problems that are alike have in common: hints for single cells differ."""
    return _file(problem), problem.column, problem.expected.partition(";")[0]


def _folded(alike: Sequence[ProblemLike]) -> str:
    first, last = alike[0], alike[-1]
    if last.line - first.line == len(alike) - 1:
        where = f"lines {first.line} to {last.line}"
    else:
        where = f"lines {_some([str(each.line) for each in alike])}"
    cells = _some(list(dict.fromkeys(each.found for each in alike)))
    return f"{_file(first)}{where}{_column(first)}: found {cells}, expected {first.expected}"


def _some(texts: Sequence[str]) -> str:
    shown = ", ".join(texts[:EXAMPLES])
    more = len(texts) - EXAMPLES
    return f"{shown} and {more:,} more" if more > 0 else shown


def _column(problem: ProblemLike) -> str:
    if problem.column is None:
        return ""
    return f", column {problem.column}" + (
        f" ({show(problem.name.encode())})" if problem.name else ""
    )
