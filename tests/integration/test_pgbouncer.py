"""PgBouncer in front of PostgreSQL: it gives each transaction any of its connections."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest

from shared.database import connect, waiting
from shared.database.connections import Connections, Pooler
from shared.errors import DatabaseUnavailable
from tests.chunks import get, send_chunk
from tests.contract.job_stores import open_store
from tests.integration.plays import PLAYS
from tests.servers.pgbouncer import PgBouncer
from tests.services import Services, listening, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin") is None
    and shutil.which("pgbouncer") is None,
    reason="PgBouncer is not installed",
)


@pytest.fixture
def bouncer(database_url: str) -> Iterator[PgBouncer]:
    with PgBouncer(database_url) as bouncer:
        yield bouncer


@pytest.mark.parametrize("mode", ["transaction", "session"])
@pytest.mark.parametrize("pooler", [Pooler.AUTO, Pooler.TRANSACTION])
async def test_many_clients_share_a_few_connections(
    database_url: str, mode: str, pooler: Pooler
) -> None:
    with PgBouncer(database_url, mode=mode, size=10) as bouncer:  # type: ignore[arg-type]
        databases = [
            await connect(bouncer.url, connections=Connections(size=4, pooler=pooler))
            for _ in range(2)
        ]
        try:
            await databases[0].write("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")

            async def work(number: int) -> None:
                database = databases[number % 2]
                await database.write("INSERT INTO notes VALUES ($1, $2)", number, str(number))
                async with database.transaction() as transaction:
                    await transaction.execute(
                        "UPDATE notes SET text = text || $1 WHERE id = $2", "!", number
                    )
                rows = await database.read("SELECT text FROM notes WHERE id = $1", number)
                assert rows == [{"text": f"{number}!"}]

            await asyncio.gather(*(work(number) for number in range(200)))
        finally:
            for database in databases:
                await database.close()


async def test_without_a_pooler_statements_stay_prepared_and_ends_are_heard(
    database_url: str,
) -> None:
    database = await connect(database_url)
    heard = asyncio.Event()
    try:
        with database.listen(lambda _: heard.set()):

            async def told() -> bool:
                async with database.transaction() as transaction:
                    await transaction.tell("an end")
                return heard.is_set()

            await until(told)
    finally:
        await database.close()


async def test_jobs_run_with_all_services_behind_the_pooler(
    bouncer: PgBouncer, broker_url: str, tmp_path: Path
) -> None:
    with Services(tmp_path, bouncer.url, broker_url) as services:
        gateways = [services.gateway(), services.gateway()]
        listening(services.storage(), *gateways)
        processors = [services.processor(), services.processor()]
        sent = await asyncio.gather(
            *(send_chunk(gateways[n % 2].url, f"upload {n}", PLAYS) for n in range(30))
        )
        for answer in sent:

            async def succeeded(job_id: str = answer.job_id) -> bool:
                body = (await get(f"{gateways[0].url}/api/v1/jobs/{job_id}")).body
                return bool(body["state"] == "SUCCESS")

            await until(succeeded)
        assert (await get(f"{gateways[0].url}/readyz")).status == 200
        log = "\n".join(line for service in (*gateways, *processors) for line in service.lines)
        assert "a pooler is in front of the database" in log
        assert "Traceback" not in log
        assert "prepared statement" not in log


async def test_migrations_run_through_the_pooler(bouncer: PgBouncer) -> None:
    async with open_store(bouncer.url) as store:
        await store.check_writable()


async def test_a_wrong_setting_is_told_and_named(bouncer: PgBouncer) -> None:
    async def use_two_connections() -> None:
        databases = [
            await connect(bouncer.url, connections=Connections(pooler=Pooler.NONE))
            for _ in range(3)
        ]
        try:
            for _ in range(20):  # at the same time, so on several connections of the server
                await asyncio.gather(
                    *(database.read("SELECT pg_sleep(0.02)") for database in databases)
                )
        finally:
            for database in databases:
                await database.close()

    with pytest.raises(DatabaseUnavailable, match="CSVMILL_DATABASE_POOLER=transaction"):
        await use_two_connections()


@pytest.mark.parametrize("pooler", list(Pooler))
async def test_a_parameter_that_the_pooler_refuses_ends_the_wait_for_it(
    bouncer: PgBouncer, pooler: Pooler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "REFUSED_FOR", 0.5)
    with pytest.raises(DatabaseUnavailable, match="statement_cache_size"):
        await connect(
            f"{bouncer.url}?statement_cache_size=0",
            start_timeout=None,
            connections=Connections(pooler=pooler),
        )


async def test_a_parameter_that_the_server_refuses_ends_the_wait_for_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "REFUSED_FOR", 0.5)
    with pytest.raises(DatabaseUnavailable, match="statement_cache_size"):
        await connect(f"{database_url}?statement_cache_size=0", start_timeout=None)
