"""The engine port: what the processor asks of whatever computes an aggregation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shared.csv.compression import MAX_EXPANSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from shared.jobs.job import Aggregation
    from shared.jobs.report import Report

MIN_MEMORY = 256 << 20
"""Bytes below which an engine is not asked to work."""
SCRATCH = 100 << 30
"""Bytes of scratch disk that an aggregation may use, unless something else is said."""


class Source(Protocol):
    """The input of a job, which an engine may read more than once."""

    @property
    def size(self) -> int:
        """Bytes. A source that yields more or fewer fails the attempt."""
        ...

    @property
    def local_path(self) -> Path | None:
        """The file that holds exactly these bytes, if this machine can read it."""
        ...

    def open(self) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Read from the start, in pieces of bounded size; may be opened again.

        Raises errors of the tree (such as StorageUnavailable) on entering or iterating.
        """
        ...


@dataclass(frozen=True, slots=True)
class EngineProgress:
    """How far an engine has come. It starts from 0 again if the source has to be read again."""

    done: int
    """Bytes of the source that have been read."""
    total: int
    """Bytes of the source."""
    rows: int | None = None
    """Rows that have been read, without the header; None where that is not known."""
    rows_estimated: bool = False
    """Whether `rows` is an estimate, from the bytes read and the first records' length."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file in the scratch folder."""

    path: Path
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hex digest of the file."""


@dataclass(frozen=True, slots=True)
class Output(Written):
    """A finished result, and what there is to tell of it."""

    report: Report
    """What the engine found and used; the rest is left to the caller."""
    rejects: Written | None = None
    """The records that were left out, as `shared.jobs.rejects` has it; None if there are none."""
    preview: Written | None = None
    """The first rows (see `shared.jobs.preview`); None if the result itself begins with them."""


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What one aggregation may use."""

    memory: int = 1 << 30
    """Bytes of resident memory of everything that the engine starts on this machine."""
    scratch: int = SCRATCH
    """Bytes on disk, below the scratch folder, at a time: what is spilled, and the result."""
    threads: int = 2
    max_expansion: int = MAX_EXPANSION
    """How many times its size a compressed file may grow (see `shared.csv.compression`)."""
    time_limit: float | None = None
    """Seconds for one call of `aggregate`; None is no limit."""

    def __post_init__(self) -> None:
        if self.memory < MIN_MEMORY:
            raise ValueError(f"memory limit {self.memory} is below {MIN_MEMORY} bytes")
        if self.scratch < 1:
            raise ValueError(f"a scratch limit of {self.scratch} bytes leaves no room for a result")
        if self.threads < 1:
            raise ValueError(f"an engine needs at least 1 thread, not {self.threads}")
        if self.time_limit is not None and self.time_limit <= 0:
            raise ValueError(f"time limit {self.time_limit} s is not positive")


class Engine(Protocol):
    """Computes aggregations. Every engine gives the same bytes for the same source.

    Input, unless the aggregation's `input` says otherwise (RFC 4180, UTF-8 with or without BOM, LF
    or CRLF, final newline optional): a header record, then records with as many fields as the
    header has. A field is quoted if its first byte is a quote; a quote within another field is
    text. Empty lines are skipped. Text is compared and kept verbatim, byte for byte; nothing is
    trimmed, nothing means NULL. docs/csv.md has all else, and what becomes of each malformation.

    Output: the aggregation's header, then a row for each group, sorted bytewise by the group
    columns in their order; UTF-8 without BOM, lines end in LF, a field is quoted only if it
    contains a comma, a quote, CR or LF. Totals are exact.
    """

    async def aggregate(
        self,
        aggregation: Aggregation,
        source: Source,
        scratch: Path,
        progress: Callable[[EngineProgress], None],
    ) -> Output:
        """Aggregate `source` into a new file in `scratch`, an existing folder of the caller's.

        Raises MalformedInput, whose message names the line (counted from 1; where the record
        begins), the column, what was found and what was expected, and whose report has the first
        problems and their number; and AttemptFailed, whose report has what is known by then, for
        whatever another attempt may not meet: a crash, memory, a full disk, the limits of disk and
        time, a source that breaks off. Whatever it raises, and if it is cancelled, nothing that it
        started runs any longer and nothing that it wrote is left in `scratch`.
        """
        ...
