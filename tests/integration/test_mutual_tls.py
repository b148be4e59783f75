"""The services with certificates for each other: an upload, its job and its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from shared.database import connect
from tests.blob_backends import BUCKET, object_storage
from tests.certificates import Authority
from tests.integration.plays import PLAYS, RESULT
from tests.ports import free_port
from tests.servers.postgres import fresh_database
from tests.services import Services, listening

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer


async def test_a_job_passes_through_services_that_show_certificates(
    tmp_path: Path, postgres_server: PostgresServer, rabbit_server: RabbitServer
) -> None:
    authority = Authority(tmp_path, "authority")
    with (
        fresh_database(postgres_server.url) as database_url,
        rabbit_server.fresh_vhost() as broker_url,
        Services(tmp_path / "services", database_url, broker_url) as services,
    ):
        storage = services.storage(**authority.settings("storage"))
        listening(storage)
        url = {"storage_url": storage.url}
        gateway = services.gateway(**url, **authority.settings("gateway"))
        services.processor(**url, **authority.settings("processor"))
        async with aiohttp.ClientSession(raise_for_status=True) as session:
            async with session.put(
                f"{gateway.url}/api/v1/uploads", params={"name": "plays.csv"}, data=PLAYS
            ) as response:
                job = response.headers["Csvmill-Job"]
            async with session.get(f"{gateway.url}{job}", params={"wait": "60"}) as response:
                assert (await response.json())["state"] == "SUCCESS"
            async with session.get(f"{gateway.url}{job}/result") as response:
                assert await response.read() == RESULT
            async with session.get(f"{gateway.url}/readyz") as response:
                assert (await response.json())["storage"] == "ok"


async def test_jobs_pass_through_two_storage_servers_that_show_certificates(
    tmp_path: Path, postgres_server: PostgresServer, rabbit_server: RabbitServer
) -> None:
    authority, objects = Authority(tmp_path, "authority"), object_storage()
    blobs: dict[str, object] = {
        "blobs": f"s3://{BUCKET}/tls/",
        "s3_endpoint": objects.url,
        "s3_access_key_id": objects.access_key,
        "s3_secret_access_key": objects.secret_key,
    }
    ports = [free_port() for _ in range(2)]
    urls = [f"https://127.0.0.1:{port}" for port in ports]
    with (
        fresh_database(postgres_server.url) as database_url,
        rabbit_server.fresh_vhost() as broker_url,
        Services(tmp_path / "services", database_url, broker_url) as services,
    ):
        folders = [tmp_path / f"data-{port}" for port in ports]
        storages = [
            services.storage(
                **blobs, **authority.settings(f"storage-{port}"), storage_port=port, data_dir=folder
            )
            for port, folder in zip(ports, folders, strict=True)
        ]
        listening(*storages)
        assert [storage.url for storage in storages] == urls
        own = {"storage_url": ",".join(urls)}
        gateway = services.gateway(**own, **authority.settings("gateway"))
        services.processor(**own, **authority.settings("processor"))
        listening(gateway)
        async with aiohttp.ClientSession(gateway.url, raise_for_status=True) as session:
            sent: dict[str, str] = {}
            while set(sent.values()) != set(urls):
                assert len(sent) < 50
                declared = {"name": "plays.csv", "size": len(PLAYS)}
                async with session.post("/api/v1/uploads", json=declared) as response:
                    upload = response.headers["Location"]
                async with session.put(f"{upload}/chunks/0", data=PLAYS[:9]):
                    sent[upload] = await server_of(database_url, upload)
            for url in urls:
                upload = next(each for each, server in sent.items() if server == url)
                async with session.put(f"{upload}/chunks/9", data=PLAYS[9:]) as response:
                    job = response.headers["Csvmill-Job"]
                async with session.get(job, params={"wait": "60"}) as response:
                    assert (await response.json())["state"] == "SUCCESS"
                async with session.get(f"{job}/result") as response:
                    assert await response.read() == RESULT


async def server_of(database_url: str, upload: str) -> str:
    """Return the URL of the storage server that receives an upload."""
    database = await connect(database_url)
    try:
        name = f"%{upload.rpartition('/')[2]}"
        (row,) = await database.read("SELECT server FROM blob_places WHERE key LIKE $1", name)
    finally:
        await database.close()
    return str(row["server"])
