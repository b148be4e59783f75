"""A job of a large file in object storage: on a Spark cluster, and on the processor.

    python -m benchmarks.spark_job [--rows 68000000]

Starts a server of object storage, a Spark cluster of two workers with a core each, PostgreSQL,
RabbitMQ and the services, all on this machine. Storage keeps its blobs in object storage, and
executors read them through storage. The file, of 2 GB, is uploaded once. Its jobs, and the kernel
alone, which reads it from disk, must give results with the same SHA-256: otherwise the exit code is
1.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.bounds import LocalFile
from benchmarks.engines.data import written
from benchmarks.engines.rows import PLAYS
from csvmill.client import AsyncClient
from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from shared.aggregation.json_reader import read_aggregation
from tests.servers.object_storage import ObjectStorage
from tests.servers.postgres import PostgresServer, fresh_database
from tests.servers.rabbitmq import RabbitServer
from tests.servers.spark import SparkCluster, python_path
from tests.services import Services, line

MB = 1_000_000
BUCKET = "benchmark"
START_TIMEOUT = 300.0
"""Seconds for a service to listen, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result, and how long it took."""

    name: str
    seconds: float
    sha256: str


async def kernel_alone(file: Path, folder: Path) -> Outcome:
    """Aggregate the file on disk by the kernel of this machine, without services."""
    started = time.perf_counter()
    aggregation = read_aggregation(PLAYS, "spec")
    engine = NativeEngine(EngineLimits())
    output = await engine.aggregate(aggregation, [LocalFile(file)], folder, lambda _done: None)
    output.path.unlink()
    return Outcome("the kernel alone", time.perf_counter() - started, output.sha256)


async def upload_and_ask(url: str, file: Path) -> list[Outcome]:
    """Upload a file, and compute its result on the cluster and by the processor."""
    found = []
    async with AsyncClient(url) as client:
        started = time.perf_counter()
        upload = await client.store(file)
        print(f"uploaded in {time.perf_counter() - started:.1f} s", flush=True)
        for engine, where in (("spark", "spark"), ("local", None)):
            started = time.perf_counter()
            asked = await client.ask(upload.id, PLAYS, cache=False, engine=engine)
            job = await client.wait(asked.id)
            seconds = time.perf_counter() - started
            if job.report is None or job.report.cluster != where or job.result_sha256 is None:
                raise RuntimeError(f"the job with engine {engine!r} ran elsewhere: {job}")
            found.append(Outcome(f"a job, engine: {engine}", seconds, job.result_sha256))
            print(found[-1], flush=True)
    return found


async def measure(file: Path, folder: Path) -> list[Outcome]:
    """Start all servers, and return the outcomes."""
    with ExitStack() as stack:
        objects = ObjectStorage()
        objects.bucket(BUCKET)  # the server does not see one at once that is made later
        stack.enter_context(objects)
        spark = stack.enter_context(SparkCluster())
        postgres = stack.enter_context(PostgresServer())
        rabbit = stack.enter_context(RabbitServer())
        database = stack.enter_context(fresh_database(postgres.url))
        services = stack.enter_context(Services(folder / "services", database, rabbit.url))
        storage = services.storage(**objects.settings_of(f"s3://{BUCKET}/blobs"))
        gateway = services.gateway()
        processor = services.processor(
            python_path(folder / "customized"),
            spark=spark.url, spark_wait=300, lease=60,
        )  # fmt: skip
        for service in (storage, gateway, processor):
            await line(service, "listening on", START_TIMEOUT)
        return [await kernel_alone(file, folder), *await upload_and_ask(gateway.url, file)]


def main() -> None:
    """Run the jobs, and compare their results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=68_000_000, help="of the input; 30 bytes each")
    parser.add_argument("--data", type=Path, help="folder with the files of benchmarks.engines")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="csvmill-benchmark-") as name:
        folder = Path(name)
        file = written("few_groups", options.rows, options.data or folder)
        outcomes = asyncio.run(measure(file, folder))
        shown = Table("", "time", "SHA-256 of the result")
        for each in outcomes:
            shown.add_row(each.name, f"{each.seconds:.2f} s", each.sha256)
        console = Console(width=110)
        console.print(f"input: {file.stat().st_size / MB:,.0f} MB, {options.rows:,} rows")
        console.print(shown)
    if len({each.sha256 for each in outcomes}) != 1:
        sys.exit("the results differ")


if __name__ == "__main__":
    main()
