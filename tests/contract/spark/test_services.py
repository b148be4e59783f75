"""A job goes through gateway, broker and processor to a real cluster, and gives the same bytes."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from csvmill.client import AsyncClient
from shared.aggregation.json_codec import aggregation_json
from shared.jobs.job import SONG_PLAYS
from tests.integration.plays import result_of, song_plays
from tests.servers.postgres import fresh_database
from tests.servers.spark import PACKAGES
from tests.services import Services, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer
    from tests.servers.spark import SparkCluster

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


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
    """The PYTHONPATH of a process that has the client of Spark, after what is installed here."""
    folder = tmp_path / "customized"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.path.append({str(PACKAGES)!r})\n")
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


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
