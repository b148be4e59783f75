"""On a real cluster, jobs give the bytes of one machine, whatever dies meanwhile."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from processor.attempt.run import BlobSource
from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from processor.engines.spark.cluster import Cluster
from processor.engines.spark.connect import ConnectSession
from shared.aggregation.json_codec import aggregation_of_json
from shared.blobs.blob import upload_key
from shared.blobs.client import HttpBlobs
from shared.jobs.job import SONG_PLAYS, Aggregation
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import TOKEN, storage_server, stream
from tests.contract.engines.files import HEADER
from tests.contract.engines.runs import leftovers
from tests.contract.engines.sources import LocalSource

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import EngineProgress, Output
    from tests.servers.spark import SparkCluster

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    # The client warns of its retries, and of libraries that are newer than itself.
    pytest.mark.filterwarnings("ignore"),
]
"""The first start of a cluster takes minutes on a busy machine."""

ROWS = 60_000
SKIPPING = aggregation_of_json(
    {
        "group_by": ["Song"],
        "aggregates": [
            {"function": "median", "column": "Plays"},
            {"function": "count_distinct", "column": "Date"},
            {"function": "first", "column": "Date"},
        ],
        "order_by": [{"column": "Song", "descending": True}],
        "limit": 50,
        "output": "jsonl",
        "input": {"on_bad_row": "skip"},
    }
)


def _file(folder: Path, *, bad: bool = False) -> Path:
    """A file of more than 2 MB: fields with line ends, many groups, and perhaps bad records."""
    path = folder / "in.csv"
    rows = (
        b"bad\n"
        if bad and i % 1000 == 500
        else b'"Song ""%d""\nlive",2020-01-%02d,%d\n' % (i * 7919 % 3001, i % 28 + 1, i % 97)
        for i in range(ROWS)
    )
    path.write_bytes(HEADER + b"".join(rows))
    return path


def _cluster(spark: SparkCluster, **changes: Any) -> Cluster:
    cluster = Cluster(
        partial(ConnectSession, spark.url),
        0,
        part=300_000,
        gathered=2,
        wait=300,
        shared_files=True,
        start=1 << 16,
    )
    return replace(cluster, **changes)


async def _aggregate(
    source: Path | BlobSource,
    scratch: Path,
    cluster: Cluster | None,
    aggregation: Aggregation = SONG_PLAYS,
    progress: threading.Event | None = None,
) -> Output:
    def note(now: EngineProgress) -> None:
        if progress is not None and 1 << 16 < now.done < now.total:
            progress.set()

    given = source if isinstance(source, BlobSource) else LocalSource(source)
    engine = NativeEngine(EngineLimits(), cluster=cluster)
    return await engine.aggregate(aggregation, [given], scratch, note)


async def _midway(running: asyncio.Task[Output], begun: threading.Event) -> None:
    """Return when some ranges of a job have their states, and others do not."""
    waiting = asyncio.create_task(asyncio.to_thread(begun.wait, 600))
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    early = running.done()
    begun.set()
    assert await waiting
    assert not early, "the job has ended before it could be disturbed"


def _found(output: Output) -> tuple[object, ...]:
    report = asdict(output.report)
    for of_machine in ("seconds", "peak_memory", "peak_scratch", "cluster"):
        del report[of_machine]
    rejects = output.rejects.path.read_bytes() if output.rejects else None
    return output.sha256, output.path.read_bytes(), rejects, report


@pytest.mark.parametrize("aggregation", [SONG_PLAYS, SKIPPING], ids=["sums", "rejects"])
async def test_a_cluster_gives_the_result_and_report_of_one_machine(
    shared_spark: SparkCluster, tmp_path: Path, aggregation: Aggregation
) -> None:
    path = _file(tmp_path, bad=aggregation is SKIPPING)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    expected = _found(await _aggregate(path, tmp_path, None, aggregation))

    output = await _aggregate(path, scratch, _cluster(shared_spark), aggregation)

    assert _found(output) == expected
    assert output.report.cluster == "spark"
    assert leftovers(scratch) == {
        each.path for each in (output, output.rejects) if each is not None
    }


async def test_executors_read_from_storage(
    shared_spark: SparkCluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = _file(tmp_path)
    expected = _found(await _aggregate(path, tmp_path, None))
    folder, data = tmp_path / "blobs", path.read_bytes()
    cluster = _cluster(shared_spark, shared_files=False)
    async with (
        FilesystemBlobs(folder, fsync=False) as kept,
        storage_server(folder, kept) as url,
        HttpBlobs(url, TOKEN) as blobs,
    ):
        key = upload_key(uuid4())
        await blobs.create(key, len(data))
        await blobs.write(key, 0, stream(data))
        source = BlobSource(blobs, key, "in.csv", len(data))

        output = await _aggregate(source, tmp_path, cluster)

    assert _found(output) == expected
    assert "on this machine, and not on Spark" not in caplog.text


async def test_a_job_survives_the_death_of_a_worker(
    shared_spark: SparkCluster, tmp_path: Path
) -> None:
    path = _file(tmp_path)
    expected = _found(await _aggregate(path, tmp_path, None))
    begun = threading.Event()

    running = asyncio.create_task(
        _aggregate(path, tmp_path, _cluster(shared_spark, part=60_000), progress=begun)
    )
    await _midway(running, begun)
    shared_spark.kill_worker(0)
    output = await running

    assert _found(output) == expected
    await asyncio.to_thread(shared_spark.start_worker, 0)


async def test_a_job_survives_the_death_of_the_driver(
    shared_spark: SparkCluster, tmp_path: Path
) -> None:
    path = _file(tmp_path)
    expected = _found(await _aggregate(path, tmp_path, None))
    begun = threading.Event()

    running = asyncio.create_task(
        _aggregate(path, tmp_path, _cluster(shared_spark, part=60_000), progress=begun)
    )
    await _midway(running, begun)
    shared_spark.kill_connect()
    await asyncio.to_thread(shared_spark.start_connect)
    output = await running

    assert _found(output) == expected


async def test_without_a_driver_a_job_runs_on_this_machine(
    shared_spark: SparkCluster, tmp_path: Path
) -> None:
    path = _file(tmp_path)
    expected = _found(await _aggregate(path, tmp_path, None))
    shared_spark.kill_connect()
    try:
        output = await _aggregate(path, tmp_path, _cluster(shared_spark, wait=0))
    finally:
        await asyncio.to_thread(shared_spark.start_connect)

    assert _found(output) == expected
    assert output.report.cluster is None


async def test_a_cancelled_job_ends_on_the_cluster(
    shared_spark: SparkCluster, tmp_path: Path
) -> None:
    path = _file(tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    begun = threading.Event()
    running = asyncio.create_task(
        _aggregate(path, scratch, _cluster(shared_spark, part=60_000), progress=begun)
    )
    await _midway(running, begun)

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert leftovers(scratch) == set()
    # The cluster is free for the next one.
    other = await _aggregate(path, scratch, _cluster(shared_spark))
    assert other.report.rows.aggregated == ROWS
