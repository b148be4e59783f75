"""A cluster of one process: what executors do, done here, one range after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.engines.kernel_run import kernel_program
from processor.engines.spark import executor
from processor.engines.spark.cluster import Cluster, Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from processor.engines.spark.executor import Range, Work


class LocalSession:
    """See `processor.engines.spark.cluster.Session`."""

    def __init__(self) -> None:
        self.ranges: list[Range] = []
        """All that were asked for."""

    @property
    def kernel(self) -> tuple[str, bool]:
        return str(kernel_program()), False

    def open(self) -> None:
        pass

    def states(
        self,
        work: Work,
        ranges: Sequence[Range],
        *,
        gather: bool,
        progress: Callable[[float], None],
    ) -> Iterator[Piece]:
        self.ranges += ranges
        rows = list(executor.states_of(work, ranges))
        progress(1.0)
        if gather:
            # As Spark does, which brings together the rows of a run, and sorts them.
            rows.sort(key=lambda row: (row["begin"][0].as_py(), row["piece"][0].as_py()))
            rows = list(executor.gathered(work, rows))
        yield from map(_piece, rows)

    def stop(self) -> None:
        pass


def _piece(row: pa.RecordBatch) -> Piece:
    (values,) = row.to_pylist()
    data = values["data"] if values["state"] else None
    return Piece(values["begin"], values["end"], values["piece"], data)


def local_cluster(
    *, start: int = 64, part: int = 64, most_parts: int = 12, gathered: int = 3
) -> Cluster:
    """Return a cluster that takes all files of more than `start` bytes."""
    return Cluster(
        LocalSession,
        0,
        part=part,
        most_parts=most_parts,
        gathered=gathered,
        wait=0,
        shared_files=True,
        start=start,
    )
