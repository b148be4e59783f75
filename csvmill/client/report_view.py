"""The report of a job, and what is wrong with its file, as the server's API shows them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ProblemView:
    """What is wrong with a record of the file."""

    line: int
    """Where the record begins, counted from 1."""
    offset: int
    """Bytes before the record, in the file as it is once it is decompressed."""
    column: int | None
    """Counted from 1; None if it is about the record."""
    name: str | None
    found: str
    expected: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> ProblemView:
        """Read the JSON; what a newer server adds is ignored."""
        return cls(**{field.name: answer[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class ReportView:
    """How the file was read, what became of its rows, and what the work took.


    What says nothing of an attempt that was over before the file was is None.
    """

    dialect: Mapping[str, str | bool | list[str] | None] | None
    engine: str
    engine_version: str
    plan: str
    rows_in: int | None
    """The sum of the next three."""
    rows_aggregated: int | None
    rows_filtered: int | None
    rows_rejected: int | None
    groups: int | None
    """Rows of the result, without the header."""
    bytes_in: int
    bytes_decompressed: int | None
    bytes_out: int | None
    seconds: Mapping[str, float]
    """Of `queue`, `aggregate`, `write` and `store`."""
    peak_memory: int
    """Bytes."""
    peak_scratch: int
    """Bytes."""
    attempts: int
    rows_of_several_lines: int | None = None
    """None if the plan, or an older server, cannot tell."""
    most_lines: int | None = None
    """Of the longest of these rows."""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> ReportView:
        """Read the JSON; what a newer server adds is ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in answer.items() if name in known})
