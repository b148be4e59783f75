"""Ranges of a file are aggregated elsewhere: wrong cuts, lost clusters, files that stay here."""

from __future__ import annotations

import asyncio
import gzip
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from processor.engines.spark.cluster import ClusterLost
from shared.aggregation.spec import SONG_PLAYS
from shared.errors import MalformedInput
from shared.jobs.engine_choice import EngineChoice
from tests.contract.engines.files import HEADER
from tests.contract.engines.local_cluster import LocalSession, local_cluster
from tests.contract.engines.runs import aggregate, leftovers
from tests.contract.engines.sources import LocalSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from processor.engines.spark.cluster import Cluster, Piece
    from processor.engines.spark.executor import Range, Work

ROW = b"a,2020-01-01,1\n"
RESULT = b"Song,Date,Total Number of Plays for Date\n"


class Sessions:
    """Makes sessions, and keeps them."""

    def __init__(self, make: Callable[[], LocalSession] = LocalSession) -> None:
        self.made: list[LocalSession] = []
        self._make = make

    def __call__(self) -> LocalSession:
        self.made.append(self._make())
        return self.made[-1]


class LostSession(LocalSession):
    """Is lost after the first state, within the second, as far as its receiver knows."""

    def states(
        self,
        work: Work,
        ranges: Sequence[Range],
        *,
        gather: bool,
        progress: Callable[[float], None],
    ) -> Iterator[Piece]:
        pieces = super().states(work, ranges, gather=gather, progress=progress)
        yield next(pieces)
        yield next(pieces)
        raise ClusterLost("it was killed")


class AwaySession(LocalSession):
    """Cannot be opened."""

    def open(self) -> None:
        raise ClusterLost("nothing listens there")


class StuckSession(LocalSession):
    """Works until it is stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.works, self.stopped = threading.Event(), threading.Event()

    def states(
        self,
        work: Work,
        ranges: Sequence[Range],
        *,
        gather: bool,
        progress: Callable[[float], None],
    ) -> Iterator[Piece]:
        self.works.set()
        self.stopped.wait()
        raise ClusterLost("it was stopped")

    def stop(self) -> None:
        self.stopped.set()


async def _result(
    data: bytes, folder: Path, sessions: Callable[[], LocalSession], cluster: Cluster | None = None
) -> bytes:
    path = folder / "in.csv"
    path.write_bytes(data)
    scratch = folder / "scratch"
    scratch.mkdir()
    cluster = replace(cluster or local_cluster(), session=sessions)
    engine = NativeEngine(EngineLimits(), cluster=cluster)
    output = await aggregate(engine, LocalSource(path), scratch)
    assert leftovers(scratch) == {output.path}
    return output.path.read_bytes()


@pytest.mark.parametrize("gathered", [1, 3, 100])
async def test_ranges_give_the_result_of_the_whole(tmp_path: Path, gathered: int) -> None:
    sessions = Sessions()
    rows = b"".join(b"%d,2020-01-01,%d\n" % (i % 7, i) for i in range(100))

    result = await _result(HEADER + rows, tmp_path, sessions, local_cluster(gathered=gathered))

    sums = [sum(range(i, 100, 7)) for i in range(7)]
    assert result == RESULT + b"".join(b"%d,2020-01-01,%d\n" % (i, sums[i]) for i in range(7))
    (session,) = sessions.made
    assert len(session.ranges) >= 10


async def test_a_cut_within_quotes_is_removed_and_its_ranges_are_read_again(tmp_path: Path) -> None:
    sessions = Sessions()
    # All lines of the field look like records.
    field = b'"' + ROW * 100 + b'"'
    data = HEADER + ROW * 10 + field + b",2020-01-02,5\n" + ROW * 10

    result = await _result(data, tmp_path, sessions)

    song = b'"' + ROW * 100 + b'"'
    assert result == RESULT + b"a,2020-01-01,20\n" + song + b",2020-01-02,5\n"
    (session,) = sessions.made
    assert len(session.ranges) > len({each.begin for each in session.ranges})


async def test_states_of_a_lost_cluster_are_kept_and_the_others_fetched_again(
    tmp_path: Path,
) -> None:
    sessions = Sessions(lambda: LostSession() if len(sessions.made) == 0 else LocalSession())
    cluster = replace(local_cluster(gathered=100), wait=60, pause=0)

    result = await _result(HEADER + ROW * 30, tmp_path, sessions, cluster)

    assert result == RESULT + b"a,2020-01-01,30\n"
    first, second = sessions.made
    assert second.ranges == [replace(each, run=0) for each in first.ranges[1:]]


async def test_without_a_cluster_this_machine_does_it(tmp_path: Path) -> None:
    sessions = Sessions(AwaySession)

    assert await _result(HEADER + ROW * 30, tmp_path, sessions) == RESULT + b"a,2020-01-01,30\n"
    assert len(sessions.made) == 1


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(HEADER + ROW * 1000 + b"b,2020-01-01,1\n" * 1000),
        ("﻿" + (HEADER + ROW * 30).decode()).encode("utf-16-le"),
        HEADER,
    ],
    ids=["compressed", "utf-16", "small"],
)
async def test_a_file_that_cannot_be_cut_is_aggregated_on_this_machine(
    tmp_path: Path, data: bytes
) -> None:
    sessions = Sessions()

    assert (await _result(data, tmp_path, sessions)).startswith(RESULT)
    assert sessions.made == []


async def test_a_bad_record_has_its_line_in_the_file(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=r"^line 42, column 2 .*2 more problems"):
        await _result(HEADER + ROW * 40 + b"bad\n" * 3 + ROW * 9, tmp_path, LocalSession)


async def test_cancelling_stops_the_session(tmp_path: Path) -> None:
    session = StuckSession()
    running = asyncio.create_task(_result(HEADER + ROW * 30, tmp_path, lambda: session))
    assert await asyncio.to_thread(session.works.wait, 60)

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert session.stopped.is_set()
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize(
    ("choice", "min_input", "cluster_used"),
    [
        (EngineChoice.AUTO, 0, True),
        (EngineChoice.AUTO, 1 << 40, False),
        (EngineChoice.LOCAL, 0, False),
        (EngineChoice.SPARK, 1 << 40, True),
    ],
    ids=["auto-large", "auto-small", "local", "spark"],
)
async def test_a_job_may_say_whether_a_cluster_reads_its_file(
    tmp_path: Path, choice: EngineChoice, min_input: int, cluster_used: bool
) -> None:
    sessions = Sessions()
    path = tmp_path / "in.csv"
    path.write_bytes(HEADER + ROW * 30)
    cluster = replace(local_cluster(), session=sessions, min_input=min_input)
    engine = NativeEngine(EngineLimits(), cluster=cluster)

    output = await engine.aggregate(
        SONG_PLAYS, [LocalSource(path)], tmp_path, lambda _progress: None, choice
    )

    assert output.path.read_bytes() == RESULT + b"a,2020-01-01,30\n"
    assert output.report.cluster == ("spark" if cluster_used else None)
    assert len(sessions.made) == int(cluster_used)


async def test_a_file_for_a_cluster_that_is_away_or_missing_is_read_here(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(HEADER + ROW * 30)
    for cluster in (replace(local_cluster(), session=AwaySession), None):
        output = await NativeEngine(EngineLimits(), cluster=cluster).aggregate(
            SONG_PLAYS, [LocalSource(path)], tmp_path, lambda _progress: None, EngineChoice.SPARK
        )
        assert output.path.read_bytes() == RESULT + b"a,2020-01-01,30\n"
        assert output.report.cluster is None
