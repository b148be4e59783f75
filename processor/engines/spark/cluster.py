"""The port of a cluster, whose executors aggregate ranges of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from processor.engines import places
from shared.inspection.sample import SAMPLE_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from processor.engines.places import Place
    from processor.engines.port import Source
    from processor.engines.spark.executor import Range, Work


class ClusterLost(Exception):
    """The cluster is away, or failed to do its work."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What a cluster returns of a range, in pieces (see `executor.SCHEMA`)."""

    begin: int
    end: int
    number: int
    data: bytes | None
    """None if the range does not begin or end with a record."""


class Session(Protocol):
    """A session of one attempt. Its methods block; `stop` may be called by another thread."""

    @property
    def kernel(self) -> tuple[str, bool]:
        """The kernel of executors: its path, or the name of the artifact, and whether it is one."""
        ...

    def open(self) -> None:
        """Connect to the cluster. Raises ClusterLost."""
        ...

    def states(
        self,
        work: Work,
        ranges: Sequence[Range],
        *,
        gather: bool,
        progress: Callable[[float], None],
    ) -> Iterator[Piece]:
        """Aggregate ranges on the executors, and yield the states: the pieces of one together.

        `gather`: whether those of neighbours are merged there. `progress` is called with the share
        of the ranges that are done. Raises ClusterLost.
        """
        ...

    def stop(self) -> None:
        """End the work of the session on the cluster, and close it. A lost cluster is no error."""
        ...


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, and how jobs use it."""

    session: Callable[[], Session]
    min_input: int
    """Bytes of the smallest file that is aggregated there, if its job does not say where."""
    part: int = 64 << 20
    """Bytes of a range, about."""
    most_parts: int = 10_000
    """The most ranges, about, of a file: those of larger files have more bytes."""
    gathered: int = 16
    """States that an executor merges before they are sent to this machine."""
    memory: int = 256 << 20
    """Bytes of memory of the kernel on an executor."""
    wait: float = 60.0
    """Seconds for which a cluster that is away is waited for, before a job runs on this machine."""
    pause: float = 1.0
    """Seconds between two tries."""
    shared_files: bool = False
    """Whether the executors have the files of this machine under the same paths."""
    start: int = SAMPLE_SIZE
    """Bytes at the start of a file that this machine reads, with the header; less only in tests."""

    def place_of(self, source: Source) -> Place | None:
        """Return where executors read a source; None if they cannot."""
        if self.shared_files and source.local_path is not None:
            return places.SharedFile(str(source.local_path.absolute()))
        return source.place
