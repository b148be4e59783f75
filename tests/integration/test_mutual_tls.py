"""The services with certificates for each other: an upload, its job and its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from tests.certificates import Authority
from tests.integration.plays import PLAYS, RESULT
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
