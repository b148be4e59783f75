"""Engines report their progress."""

from __future__ import annotations

import asyncio
import gzip
import sys
from typing import TYPE_CHECKING

import pytest

from shared.jobs.job import SONG_PLAYS
from tests.contract.engines.runs import assert_is, sources
from tests.contract.engines.sources import StalledSource, StreamSource
from tests.oracle import expected_result

if sys.version_info >= (3, 14):
    pass
else:
    pass

from tests.contract.engines.files import HEADER

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine, EngineProgress


async def test_progress_rises_to_the_size_of_the_source(engine: Engine, scratch: Path) -> None:
    source = StreamSource(HEADER + b"a,b,1\n" * 1000)
    reported: list[EngineProgress] = []

    await engine.aggregate(SONG_PLAYS, [source], scratch, reported.append)

    assert (reported[-1].done, reported[-1].total) == (source.size, source.size)
    assert (reported[-1].rows, reported[-1].rows_estimated) == (1000, False)
    assert [p.done for p in reported] == sorted(p.done for p in reported)


async def test_rows_are_reported_while_the_file_is_read(engine: Engine, scratch: Path) -> None:
    rows = 300_000
    data = HEADER + b"".join(b'"song, or so\n%06d",b,1\n' % n for n in range(rows))
    all_read = asyncio.Event()
    reported: list[EngineProgress] = []

    def progress(latest: EngineProgress) -> None:
        reported.append(latest)
        # The engine may still be counting what it has read last.
        if latest.done == len(data) and latest.rows == pytest.approx(rows, rel=0.02):
            all_read.set()

    running = asyncio.create_task(
        engine.aggregate(SONG_PLAYS, [StalledSource(data)], scratch, progress)
    )
    await asyncio.wait_for(all_read.wait(), 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    counted = [progress.rows for progress in reported if progress.rows is not None]
    assert counted == sorted(counted)


async def test_progress_of_a_compressed_file_counts_its_compressed_bytes(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    rows = b"".join(b"a,b,%d\n" % (n * 7919 % 1000) for n in range(60_000))
    data = gzip.compress(HEADER + rows)
    expected = expected_result(SONG_PLAYS, HEADER + rows)

    for source in sources(data, tmp_path):
        reported: list[EngineProgress] = []
        output = await engine.aggregate(SONG_PLAYS, [source], scratch, reported.append)

        assert_is(output, expected)
        assert all(p.done <= p.total == len(data) for p in reported)
