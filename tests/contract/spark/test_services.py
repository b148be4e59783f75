"""A job goes through gateway, broker and processor to a real cluster, and gives the same bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from csvmill.client import AsyncClient
from shared.aggregation.json_codec import aggregation_json
from shared.jobs.job import SONG_PLAYS
from tests.integration.plays import result_of, song_plays
from tests.servers.object_storage import ObjectStorage
from tests.servers.postgres import fresh_database
from tests.servers.spark import python_path
from tests.services import Services, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer
    from tests.servers.spark import SparkCluster

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

BUCKET = "tests"


@pytest.fixture
def services(
    tmp_path: Path, postgres_server: PostgresServer, rabbit_server: RabbitServer
) -> Iterator[Services]:
    with (
        fresh_database(postgres_server.url) as database_url,
        rabbit_server.fresh_vhost() as broker_url,
        Services(tmp_path / "services", database_url, broker_url) as started,
    ):
        yield started


@pytest.fixture
def with_client(tmp_path: Path) -> str:
    return python_path(tmp_path / "customized")


@pytest.fixture(scope="module")
def objects() -> Iterator[ObjectStorage]:
    server = ObjectStorage()
    server.bucket(BUCKET)  # the server does not see one at once that is made later
    with server:
        yield server


async def test_a_job_has_the_same_result_on_the_cluster_and_on_the_processor(
    shared_spark: SparkCluster, services: Services, with_client: str, tmp_path: Path
) -> None:
    content = song_plays(100_000)
    expected = result_of(content)
    (tmp_path / "plays.csv").write_bytes(content)
    gateway, storage = services.gateway(), services.storage()
    processor = services.processor(
        with_client,
        spark=shared_spark.url,
        spark_part_size=1 << 20,
        spark_wait=300,
        lease=10,
    )
    listening(storage, gateway, processor)

    async with AsyncClient(gateway.url) as client:
        upload = await client.store(tmp_path / "plays.csv")
        for engine, cluster in (("spark", "spark"), ("local", None), ("auto", None)):
            asked = await client.ask(
                upload.id, aggregation_json(SONG_PLAYS), cache=False, engine=engine
            )
            job = await client.wait(asked.id)
            to = tmp_path / f"{engine}.csv"
            await client.download(job.id, to)

            assert job.engine == engine
            assert job.report is not None
            assert (job.report.cluster, job.report.rows_in) == (cluster, 100_000)
            assert job.result_sha256 == hashlib.sha256(expected).hexdigest()
            assert to.read_bytes() == expected


async def test_a_job_of_a_file_in_object_storage_has_the_same_result_on_the_cluster(
    shared_spark: SparkCluster,
    services: Services,
    with_client: str,
    objects: ObjectStorage,
    tmp_path: Path,
) -> None:
    path, rows = tmp_path / "plays.csv", 1_500_000
    path.write_bytes(song_plays(rows))
    size = path.stat().st_size
    assert size > 30_000_000
    # Each 15th row has the same song and date.
    totals = {f"song {n % 5},2026-01-{n % 3 + 1:02d}": sum(range(n, rows, 15)) for n in range(15)}
    lines = [f"{group},{total}\n" for group, total in sorted(totals.items())]
    expected = "Song,Date,Total Number of Plays for Date\n" + "".join(lines)
    storage = services.storage(**objects.settings_of(f"s3://{BUCKET}/blobs"))
    gateway = services.gateway()
    processor = services.processor(
        with_client,
        spark=shared_spark.url,
        spark_part_size=4 << 20,
        spark_wait=300,
        lease=10,
    )
    listening(storage, gateway, processor)

    async with AsyncClient(gateway.url) as client:
        upload = await client.store(path)
        kept = [each for each in objects.bucket(BUCKET).rglob("*") if each.is_file()]
        assert size in {each.stat().st_size for each in kept}
        assert not any(
            each.stat().st_size == size for each in services.data_dir.rglob("*") if each.is_file()
        )
        for engine, cluster in (("spark", "spark"), ("local", None)):
            asked = await client.ask(
                upload.id, aggregation_json(SONG_PLAYS), cache=False, engine=engine
            )
            job = await client.wait(asked.id)

            assert job.report is not None
            assert (job.report.cluster, job.report.rows_in) == (cluster, rows)
            assert job.result_sha256 == hashlib.sha256(expected.encode()).hexdigest()
