"""The engine port: the interface for computing an aggregation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from shared.blobs.content import FilePart
from shared.csv.compression import MAX_EXPANSION
from shared.jobs.engine_choice import EngineChoice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from processor.engines.places import Place
    from shared.jobs.job import Aggregation
    from shared.jobs.report import Report

MIN_MEMORY = 256 << 20
"""The smallest memory limit of an engine, in bytes."""
REJECTS = 1 << 30
"""Bytes of the largest file of rejects."""
SCRATCH = 100 << 30
"""The default limit of scratch disk for an aggregation, in bytes."""


Piece = bytes | FilePart
"""Some bytes of a source: themselves, or a part of a file that the system can send to a child."""


GRACE = 300.0
"""Seconds that any aggregation may take, however small its source is."""


class Source(Protocol):
    """An input of a job, which an engine may read more than once."""

    @property
    def name(self) -> str:
        """The name of the file."""
        ...

    @property
    def size(self) -> int:
        """The size in bytes. The attempt fails if the source yields more or fewer."""
        ...

    @property
    def local_path(self) -> Path | None:
        """A file with exactly these bytes on this machine; None if there is none."""
        ...

    @property
    def place(self) -> Place | None:
        """Where other machines can read it; None if they cannot."""
        ...

    def open(self) -> AbstractAsyncContextManager[AsyncIterator[Piece]]:
        """Read from the start, in pieces of bounded size. May be called again.

        Entering and iterating raise a CsvmillError, such as StorageUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class EngineProgress:
    """The progress of an engine. It restarts from 0 if the source is read again."""

    done: int
    """Bytes of the source read so far."""
    total: int
    """Bytes of the source."""
    rows: int | None = None
    """Rows read so far, without the header; None if unknown."""
    rows_estimated: bool = False
    """Whether `rows` is an estimate, from the bytes read and the first records' length."""
    rejected: int = 0
    """Bad records found so far."""
    first_problem: str | None = None
    """What is wrong with the first of them, with its line."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file in the scratch folder."""

    path: Path
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hex digest of the file."""
    content: bytes | None = field(default=None, kw_only=True, repr=False)
    """The bytes of the file, if it is small."""


@dataclass(frozen=True, slots=True)
class Output(Written):
    """A finished result, with its report and the files beside it."""

    report: Report
    """The part of the report that the engine knows."""
    rejects: Written | None = None
    """The rejected records (see `shared.jobs.rejects`); None if there are none."""
    preview: Written | None = None
    """The first rows (see `shared.jobs.preview`); None if they can be read from the result."""


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """The limits of one aggregation."""

    memory: int = 1 << 30
    """Bytes of resident memory of all processes that the engine starts on this machine."""
    scratch: int = SCRATCH
    """Bytes of disk for spilled data and the result together, in the scratch folder."""
    rejects: int = REJECTS
    """Bytes of the file of rejects, of which a tenth of `scratch` is the most."""
    threads: int = 2
    max_expansion: int = MAX_EXPANSION
    """The limit of the ratio of decompressed to compressed size (see `shared.csv.compression`)."""
    time_limit: float | None = None
    """Seconds for one call of `aggregate`; None is no limit."""
    min_rate: int | None = None
    """Bytes a second of the file, decompressed, that an aggregation has to manage on average, from
    `GRACE` seconds on; None for any."""
    nice: int = 0
    """By how much the priority of all processes that the engine starts is lower than that of this
    process."""
    small: int | None = None
    """Decompressed bytes of the largest source of a small job: more of them, or of memory, raise
    `Outgrown`. None for jobs that may have any size."""

    @property
    def most_rejects(self) -> int:
        """The bytes of the file of rejects. Bad records beyond them are counted only."""
        return min(self.rejects, self.scratch // 10)

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
    """Computes aggregations. Every engine writes the same bytes for the same source.

    The input is RFC 4180 in UTF-8, unless the `input` of the aggregation differs: with or without a
    BOM, lines end in LF or CRLF, the final line end is optional. A header precedes records of the
    same number of fields. A field is quoted if its first byte is a quote; a quote within another
    field is text. Empty lines are skipped. Text is compared and kept byte for byte: nothing is
    trimmed, and no text means NULL.

    The output is a header and a row for each group, sorted bytewise by the group columns; UTF-8
    without a BOM, lines end in LF, a field is quoted only if it contains a comma, a quote, CR or
    LF. Totals are exact. docs/aggregation.md describes the rest, and every malformation.
    """

    async def aggregate(
        self,
        aggregation: Aggregation,
        sources: Sequence[Source],
        scratch: Path,
        progress: Callable[[EngineProgress], None],
        choice: EngineChoice = EngineChoice.AUTO,
    ) -> Output:
        """Aggregate `sources` into a new file in `scratch`, an existing folder of the caller.

        They are at least one, and in the order in which their records are. `choice` is where it is
        computed if there is a cluster that can.

        Raises MalformedInput if the file is bad; the message has the line (counted from 1, where
        the record begins), the column, what was found and what was expected, and the report has the
        first problems and their number. Raises AttemptFailed, with a partial report, if another
        attempt may succeed: after a crash, at a limit of memory, disk or time, on a full disk, for
        a source that ends early. After any error or cancellation, no process of the engine is
        running, and `scratch` is empty. Raises Outgrown if the limits are those of a small job.
        """
        ...
