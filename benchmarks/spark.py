"""Time and CPU of one aggregation on a Spark cluster, beside the kernel and Spark SQL.

    python -m benchmarks.spark [--file few_groups] [--mb 1000] [--executors 4 2 1] [--rounds 2]

Starts a cluster on this machine (`scripts/install_spark` installs it), whose executors have a core
each. With each number of executors, these alternate: the kernel on this machine with one thread and
with all; the same job on the cluster; and Spark SQL's own reader and `groupBy` there. All read the
file from the page cache, sort, and write the result; the results are compared. On new executors,
each runs once before it is timed, so that Java has compiled what it needs.

The CPU is that of this machine as a processor, and of all processes of the cluster.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shutil
import statistics
import tempfile
import time
import warnings
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.bounds import LocalFile
from benchmarks.engines.data import FILES, FULL, written
from benchmarks.engines.result import bytes_digest, content
from benchmarks.engines.rows import KINDS, PLAYS
from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from processor.engines.spark.cluster import Cluster
from processor.engines.spark.connect import ConnectSession
from shared.aggregation.json_reader import read_aggregation
from tests.servers.spark import SparkCluster, use_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from processor.engines.spark.cluster import Piece

MB = 1_000_000
MIB = 1 << 20
MEMORY = 768
"""MiB of an executor."""
PART = 32 * MIB
"""Bytes of a range, so that a file of 1 GB has enough of them for four executors."""
START_TIMEOUT = 300.0
"""Seconds in which the executors have to be there."""
AGGREGATION = read_aggregation(PLAYS, "spec")
ONE, ALL = "kernel, one thread", "kernel, all cores"
CLUSTER, SQL = "csvmill on Spark", "Spark SQL"
RUNS = 2
"""How often each variant is timed after executors were started, in alternation."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run took, in seconds."""

    time: float
    cpu: float
    """Of the processor and its kernels."""
    cluster_cpu: float
    """Of all processes of the cluster."""


def cpu_here() -> float:
    """Return the CPU seconds of this process and those that it has started and that have ended."""
    own = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in own)


def cpu_of(pids: Iterable[int]) -> float:
    """Return the CPU seconds of processes and all that they have started."""
    total = 0.0
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            for each in (root, *root.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    # Those of children are of the ones that have ended.
                    total += sum(each.cpu_times()[:4])
    return total


def timed(work: Callable[[], None], spark: SparkCluster) -> Figures:
    """Run a piece of work, which blocks."""
    here, there, started = cpu_here(), cpu_of(spark.pids), time.perf_counter()
    work()
    ended = time.perf_counter()
    return Figures(ended - started, cpu_here() - here, cpu_of(spark.pids) - there)


class CountingSession(ConnectSession):
    """Counts the bytes of states that the processor receives."""

    received = 0

    def states(self, *args: Any, **kwargs: Any) -> Iterator[Piece]:
        """See `Session.states`."""
        for piece in super().states(*args, **kwargs):
            CountingSession.received += len(piece.data or b"")
            yield piece


class Measurement:
    """The variants of one file, which write their results to `folder`."""

    def __init__(self, spark: SparkCluster, file: Path, folder: Path) -> None:
        self._spark = spark
        self._file = file
        self._folder = folder
        self._expected = ""
        self.groups = 0

    def kernel(self, threads: int) -> None:
        """Aggregate on this machine."""
        self._aggregate(NativeEngine(EngineLimits(threads=threads)), None)

    def on_cluster(self) -> None:
        """Aggregate on the cluster, as a job does."""
        CountingSession.received = 0
        session = partial(CountingSession, self._spark.url)
        cluster = Cluster(session, 0, part=PART, wait=0, shared_files=True)
        self._aggregate(NativeEngine(EngineLimits(), cluster=cluster), "spark")

    def _aggregate(self, engine: NativeEngine, where: str | None) -> None:
        scratch = self._folder / "scratch"
        scratch.mkdir()
        source = LocalFile(self._file)
        output = asyncio.run(engine.aggregate(AGGREGATION, [source], scratch, lambda _done: None))
        if output.report.cluster != where:
            raise RuntimeError(f"the job ran on {output.report.cluster}, not on {where}")
        if not self._expected:
            self._expected, self.groups = output.sha256, output.report.groups
            output.path.rename(self._folder / "expected")
        elif output.sha256 != self._expected:
            raise RuntimeError("the results differ")
        shutil.rmtree(scratch)

    def spark_sql(self) -> None:
        """Read, group, sort and write by Spark SQL, which knows the columns and their types."""
        from pyspark.sql.connect import functions
        from pyspark.sql.connect.session import SparkSession

        session: Any = SparkSession.builder.remote(self._spark.url).create()
        try:
            # As many as there are cores; the default is 200, for large clusters.
            session.conf.set("spark.sql.shuffle.partitions", str(len(self._spark.workers)))
            rows = session.read.csv(
                str(self._file), schema="Song string, Date string, Plays long", header=True
            )
            groups = rows.groupBy("Song", "Date").agg(functions.sum("Plays").alias("Plays"))
            to = str(self._folder / "of-sql")
            groups.orderBy("Song", "Date").write.csv(to, header=True, mode="overwrite")
        finally:
            session.stop()

    def check_sql(self) -> None:
        """Compare the last result of Spark SQL. Raises RuntimeError."""
        parts = sorted((self._folder / "of-sql").glob("part-*.csv"))
        whole = self._folder / "whole"
        with whole.open("wb") as to:
            for number, part in enumerate(parts):
                with part.open("rb") as of_part:
                    header = of_part.readline()
                    if number == 0:
                        to.write(header)
                    shutil.copyfileobj(of_part, to, MIB)
        expected, kinds = self._folder / "expected", KINDS["plays"]
        if bytes_digest(whole) != bytes_digest(expected) and not content(whole, kinds).same(
            content(expected, kinds)
        ):
            raise RuntimeError("Spark SQL has another result")


def use_executors(spark: SparkCluster, count: int) -> bool:
    """Start or end workers, and wait until a task runs on each executor.

    Return whether some of them are new, as all are if none has run a task. Raises TimeoutError.
    """
    fresh = count >= len(spark.workers)
    for number in spark.workers[count:]:
        spark.kill_worker(number)
    for number in sorted(set(range(count)) - set(spark.workers)):
        spark.start_worker(number)
    from pyspark.sql.connect.session import SparkSession

    def where(batches: Any) -> Any:
        import pyarrow as pa

        for _ in batches:
            time.sleep(0.1)  # so that no executor does the work of another one
        yield pa.RecordBatch.from_arrays([pa.array([str(Path.cwd())])], names=["folder"])

    session: Any = SparkSession.builder.remote(spark.url).create()
    deadline = time.monotonic() + START_TIMEOUT
    try:
        while True:
            tasks = session.range(0, 4 * count, 1, 4 * count)
            folders = {row.folder for row in tasks.mapInArrow(where, "folder string").collect()}
            if len(folders) == count:
                return fresh
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(folders)} executors in place of {count}")
    finally:
        session.stop()


Found = dict[tuple[str, int], list[Figures]]
"""The figures of each variant, with so many executors."""


def measure(options: argparse.Namespace, folder: Path, file: Path) -> tuple[Found, int]:
    """Return the figures, and the number of groups."""
    found: Found = defaultdict(list)
    cores = os.cpu_count() or 1
    with SparkCluster(options.executors[0], MEMORY, java="-XX:+UseParallelGC") as spark:
        measurement = Measurement(spark, file, folder)
        variants: dict[str, Callable[[], None]] = {
            ONE: partial(measurement.kernel, 1),
            ALL: partial(measurement.kernel, cores),
            CLUSTER: measurement.on_cluster,
            SQL: measurement.spark_sql,
        }
        for _ in range(options.rounds):
            for executors in options.executors:
                fresh = use_executors(spark, executors)
                for timing in (*[False] * fresh, *[True] * RUNS):
                    for name, work in variants.items():
                        figures = timed(work, spark)
                        print(f"{name}, {executors} executors: {figures}", flush=True)
                        if timing:
                            found[name, executors].append(figures)
                measurement.check_sql()
    return found, measurement.groups


def table(found: Found, executors: Iterable[int]) -> Table:
    """Return the medians. Ratios are to the kernel with one thread, in alternation with it."""
    shown = Table("", "executors", "time", "ratio", "CPU", "ratio", "of it on the cluster")
    for name in (ONE, ALL, CLUSTER, SQL):
        for count in executors:
            one, runs = found[ONE, count], found[name, count]
            local = name in (ONE, ALL)
            seconds, cpu = _time(runs), _cpu(runs, local=local)
            shown.add_row(
                name,
                f"beside {count}" if local else str(count),
                f"{seconds:.2f} s",
                f"{seconds / _time(one):.2f}",
                f"{cpu:.2f} s",
                f"{cpu / _cpu(one, local=True):.2f}",
                "" if local else f"{statistics.median(each.cluster_cpu for each in runs):.2f} s",
            )
    return shown


def _time(runs: list[Figures]) -> float:
    return statistics.median(each.time for each in runs)


def _cpu(runs: list[Figures], *, local: bool) -> float:
    return statistics.median(each.cpu + (0.0 if local else each.cluster_cpu) for each in runs)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", choices=["few_groups", "many_groups"], default="few_groups")
    parser.add_argument("--mb", type=int, default=1000, help="size of the input in MB")
    parser.add_argument("--executors", type=int, nargs="+", default=[4, 2, 1])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--data", type=Path, help="folder with the files of benchmarks.engines")
    options = parser.parse_args()
    use_client()
    warnings.simplefilter("ignore")
    console = Console(width=110)
    with tempfile.TemporaryDirectory(prefix="csvmill-benchmark-") as name:
        folder = Path(name)
        rows = FILES[options.file].rows * options.mb // FULL
        file = written(options.file, rows, options.data or folder)
        console.print(f"input: {file.stat().st_size / MB:,.0f} MB, {rows:,} rows")
        found, groups = measure(options, folder, file)
        received = CountingSession.received / MB
        console.print(table(found, options.executors))
        console.print(f"{groups:,} groups; the processor received states of {received:,.1f} MB")


if __name__ == "__main__":
    main()
