"""Aggregates one file on a cluster: executors write the states of its ranges, this merges them.

The kernel of this machine reads the start of the file, with its header. The rest is cut into ranges
at what looks like the start of a record. An executor gives a range to its kernel, which refuses it
if it does not end where a record ends. So if no range is refused, each began where another ended,
and no cut was wrong. Of a refused range and the next one, the cut between them is removed,
and both together are aggregated again.

What was received of a cluster that is lost is kept: the others are asked for again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from itertools import groupby
from typing import TYPE_CHECKING

from processor.engines.aggregated import Aggregated
from processor.engines.messages import Constant, Merge, Part, encode_task
from processor.engines.opening import Opened, opened
from processor.engines.query_message import encode_query
from processor.engines.spark.cluster import ClusterLost
from processor.engines.spark.cuts import cuts_of
from processor.engines.spark.executor import Range, Work
from shared.aggregation.spec import FILE_COLUMN
from shared.jobs.warnings import Finding, of_dialect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from processor.engines.kernel_run import KernelRuns
    from processor.engines.messages import Message
    from processor.engines.places import Place
    from processor.engines.port import Source
    from processor.engines.spark.cluster import Cluster, Session
    from shared.aggregation.resolve import Query
    from shared.csv.dialect import Dialect
    from shared.jobs.job import Aggregation

_TICK = 0.2
"""Seconds between two looks whether the attempt was stopped."""
_log = logging.getLogger(__name__)


class _Local(Exception):
    """The file has to be aggregated on this machine. The message says why."""


async def aggregate_on_cluster(
    aggregation: Aggregation,
    source: Source,
    place: Place,
    folder: Path,
    runs: KernelRuns,
    cluster: Cluster,
) -> Aggregated | None:
    """Aggregate a file in the private folder, which is empty again if this returns None.

    None is a file that has to be aggregated on this machine: one that is not plain text that can be
    cut, or for which there is no cluster. Raises MalformedInput and AttemptFailed.
    """
    job = _Distributed(aggregation, source, place, folder, runs, cluster)
    try:
        return await job.run()
    except _Local as reason:
        _log.info("a file is aggregated on this machine, and not on Spark: %s", reason)
        await asyncio.to_thread(_empty, folder)
        return None


class _Distributed:
    query: Query
    """Known once the header was read."""

    def __init__(
        self,
        aggregation: Aggregation,
        source: Source,
        place: Place,
        folder: Path,
        runs: KernelRuns,
        cluster: Cluster,
    ) -> None:
        self._aggregation = aggregation
        self._source = source
        self._place = place
        self._folder = folder
        self._runs = runs
        self._cluster = cluster
        self._header: Message = {}
        self._encoded = b""
        """The query as the kernel gets it."""
        self._states: dict[int, tuple[int, Path]] = {}
        """The states of ranges: for the first byte of each, the end and the file."""
        self._start = Opened(None, b"")
        self._session: Session | None = None
        self._cuts: list[int] = []
        """Where ranges end, sorted."""

    async def run(self) -> Aggregated:
        """Raises _Local, MalformedInput, AttemptFailed."""
        dialect, start = await self._read_start()
        usage = self._runs.usage
        self._cuts = await self._cut(start, dialect)
        loop = asyncio.get_running_loop()

        def advance(done: int) -> None:
            loop.call_soon_threadsafe(usage.advance, done)

        stopped = threading.Event()
        distributing = asyncio.create_task(
            asyncio.to_thread(self._distribute, dialect, stopped, advance)
        )
        try:
            await asyncio.shield(distributing)
        except BaseException:
            stopped.set()
            await asyncio.gather(distributing, return_exceptions=True)
            raise
        last = await self._merge(dialect)
        names = list(self._header["fields"])
        if self._aggregation.reads_file_name:
            names.append(FILE_COLUMN)
        of_file = of_dialect(dialect) if last["event"] == "finished" else []
        findings = [*(Finding(**finding) for finding in last["warnings"]), *of_file]
        return Aggregated(last, self.query, names, findings, dialect, cluster="spark")

    async def _read_start(self) -> tuple[Dialect, int]:
        """Aggregate the records in the first bytes. Return the dialect, and where they end."""
        runs, source = self._runs, self._source
        async with opened(self._aggregation, source, self._folder, runs.limits, runs.usage) as file:
            dialect = runs.usage.dialect
            if dialect is None or file.memory or dialect.compression != "none":
                raise _Local("it is compressed, or a workbook")
            if dialect.encoding.startswith("utf-16"):
                raise _Local("it is in UTF-16")
            if dialect.footer_lines:
                raise _Local("it has a footer of so many lines")
            sample = file.sample[: self._cluster.start]
            self._start = Opened(file.path, file.sample)
            if len(sample) >= source.size:
                raise _Local("it is small")
        inside = self._folder / "start"
        inside.mkdir()
        path = inside / "sample"
        await asyncio.to_thread(path.write_bytes, sample)
        task = self._task(dialect, path, Part(end=len(sample), cut=True))
        last = await runs.run(task, inside, self._query_of, self._start)
        if last["event"] != "finished":
            raise _Local("its header is not in its first MiB, or it has none")
        path.unlink()
        self._states[0] = (last["end"], inside / "state")
        return dialect, last["end"]

    def _query_of(self, header: Message) -> bytes:
        self._header = header
        self.query = self._runs.resolved(self._aggregation, header, self._start)
        constants = []
        if self._aggregation.reads_file_name:
            constants.append(Constant(FILE_COLUMN, self._source.name))
        self._encoded = encode_query(self.query, constants)
        return self._encoded

    async def _cut(self, start: int, dialect: Dialect) -> list[int]:
        try:
            return await asyncio.to_thread(
                cuts_of,
                self._place,
                start,
                self._source.size,
                max(self._cluster.part, self._source.size // self._cluster.most_parts),
                dialect,
                len(self._header["fields"]),
            )
        except OSError as error:
            raise _Local(f"the place of the file does not answer: {error}") from error

    def _distribute(
        self, dialect: Dialect, stopped: threading.Event, advance: Callable[[int], None]
    ) -> None:
        """Fetch the states of all ranges. Blocks, until `stopped` at most. Raises _Local."""
        ended = threading.Event()
        watch = threading.Thread(target=self._stop_if, args=(stopped, ended), daemon=True)
        watch.start()
        try:
            self._fetch_all(dialect, stopped, advance)
        finally:
            ended.set()
            self._end_session()

    def _fetch_all(
        self, dialect: Dialect, stopped: threading.Event, advance: Callable[[int], None]
    ) -> None:
        deadline = time.monotonic() + self._cluster.wait
        while (ranges := self._missing()) and not stopped.is_set():
            known = len(self._states)
            try:
                # A session is used again: the next one would start processes on the executors.
                if self._session is None:
                    self._session = self._cluster.session()
                    self._session.open()
                self._take(self._session, dialect, ranges, advance)
            except ClusterLost as error:
                if stopped.is_set():
                    return
                _log.warning("the Spark cluster failed: %s", error)
                self._end_session()
                if len(self._states) > known:
                    deadline = time.monotonic() + self._cluster.wait
                if time.monotonic() >= deadline:
                    wait = f"{self._cluster.wait:g} s"
                    raise _Local(f"no cluster did it within {wait}: {error}") from error
                stopped.wait(self._cluster.pause)

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.stop()

    def _stop_if(self, stopped: threading.Event, ended: threading.Event) -> None:
        """Stop the session when the attempt is stopped, so that the thread that uses it goes on."""
        while not ended.wait(_TICK):
            if stopped.is_set() and (session := self._session) is not None:
                session.stop()

    def _missing(self) -> list[Range]:
        """Return the ranges without a state. Forget states that do not begin at a cut."""
        at = 0
        found: list[Range] = []
        needed: set[int] = set()
        cuts = iter(self._cuts)
        while at < self._source.size:
            if at in self._states:
                needed.add(at)
                at = self._states[at][0]
                continue
            end = next(cut for cut in cuts if cut > at)
            found.append(Range(at, end, len(found) // self._cluster.gathered))
            at = end
        for begin in self._states.keys() - needed:
            self._states.pop(begin)[1].unlink()
        return found

    def _take(
        self,
        session: Session,
        dialect: Dialect,
        ranges: list[Range],
        advance: Callable[[int], None],
    ) -> None:
        """Take what a session returns of ranges."""
        size = self._source.size
        missing = sum(each.end - each.begin for each in ranges)
        kernel, shipped = session.kernel
        work = Work(
            kernel,
            shipped,
            self._place,
            self._executor_task(dialect, Part(header=self._header)),
            self._executor_task(dialect, Merge((), gather=True)),
            self._encoded,
        )
        pieces = session.states(
            work,
            ranges,
            gather=len(ranges) > self._cluster.gathered,
            progress=lambda share: advance(size - missing + int(share * missing)),
        )
        refuted: set[int] = set()
        for (begin, end), of_state in groupby(pieces, key=lambda piece: (piece.begin, piece.end)):
            path = self._folder / f"{begin}.state"
            with path.open("wb") as file:
                for piece in of_state:
                    if piece.data is None:
                        refuted.add(end)
                    else:
                        file.write(piece.data)
            if end in refuted:
                path.unlink()
            else:
                self._states[begin] = (end, path)
        if size in refuted:
            raise _Local("its end cannot be read by itself")
        self._cuts = [cut for cut in self._cuts if cut not in refuted]
        for cut in refuted & self._states.keys():
            self._states.pop(cut)[1].unlink()

    def _executor_task(self, dialect: Dialect, work: Part | Merge) -> Message:
        memory = self._cluster.memory
        task: Message = json.loads(self._task(dialect, None, work, memory=memory))
        task["threads"] = 1
        return task

    def _task(
        self, dialect: Dialect, path: Path | None, work: Part | Merge, *, memory: int | None = None
    ) -> bytes:
        runs = self._runs
        return encode_task(
            path,
            self._source.size,
            dialect,
            runs.limits,
            runs.knobs,
            memory=memory or runs.limits.memory,
            skip=self._aggregation.input.on_bad_row == "skip",
            work=work,
        )

    async def _merge(self, dialect: Dialect) -> Message:
        """Merge all states into the result."""
        paths = tuple(path for _, path in self._states.values())
        task = self._task(dialect, None, Merge(paths))
        last = await self._runs.run(task, self._folder, lambda _header: self._encoded, None)
        if last["event"] == "refused":
            raise _Local(last["reason"])
        for path in paths:
            path.unlink()
        return last


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir():
            for inside in each.iterdir():
                inside.unlink()
            each.rmdir()
        else:
            each.unlink()
