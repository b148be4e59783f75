"""The PostgreSQL adapter during restarts, crashes and hangs of its server."""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

from shared.database import connect, waiting
from shared.database.connections import Connections
from shared.database.postgres import PostgresDatabase
from shared.errors import DatabaseUnavailable
from shared.jobs.job import JobState
from shared.jobs.store import SqlJobStore, open_job_store
from tests.chaos.proxy import Link
from tests.contract.job_stores import make_job, open_store, result_of
from tests.contract.listening import Ear
from tests.ports import free_port
from tests.servers.postgres import fresh_database
from tests.services import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.database.port import Database
    from tests.servers.postgres import PostgresServer


@pytest.fixture
def url(killable_postgres: PostgresServer) -> Iterator[str]:
    with fresh_database(killable_postgres.url) as url:
        yield url
        if not killable_postgres.running:
            killable_postgres.start()


@asynccontextmanager
async def opened(url: str, timeout: float = 10.0) -> AsyncIterator[Database]:
    database = await connect(url, timeout=timeout)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_read_only(url: str) -> AsyncIterator[SqlJobStore]:
    """A store on a database that is migrated, and cannot be."""
    async with opened(url) as database:
        yield SqlJobStore(database)


def crash_and_restart(server: PostgresServer) -> None:
    # Blocks the event loop, so that no connection notices before it is used.
    server.kill()
    server.start()


async def test_idempotent_calls_survive_a_restart_of_the_server(
    url: str, killable_postgres: PostgresServer
) -> None:
    async with open_store(url) as store:
        job = await make_job(store)
        # Several idle connections are in the pool. All are broken afterwards.
        await asyncio.gather(*(store.get(job.id) for _ in range(8)))
        crash_and_restart(killable_postgres)
        await store.mark_published(job.id, 5.0)
        assert (await store.get(job.id)).published_at == 5.0
        await asyncio.gather(*(store.get(job.id) for _ in range(8)))

        # A transition too: nothing has changed before its transaction starts.
        crash_and_restart(killable_postgres)
        claimed = await store.claim(job.id, worker="w", lease_until=9.0, now=6.0)
        assert claimed is not None
        crash_and_restart(killable_postgres)
        await store.heartbeat(job.id, 1, lease_until=20.0)
        await store.succeed(job.id, 1, result_of(job.id, 1), now=7.0)
        assert (await store.get(job.id)).state is JobState.SUCCESS


async def test_what_transactions_tell_is_heard_again_after_a_restart_of_the_server(
    url: str, killable_postgres: PostgresServer
) -> None:
    ear = Ear()
    async with opened(url) as database:
        with database.listen(ear):
            await ear.opened(database)
            crash_and_restart(killable_postgres)
            await ear.opened(database)


async def test_a_failed_write_that_may_not_be_repeated_raises_and_the_next_one_works(
    url: str, killable_postgres: PostgresServer
) -> None:
    async with opened(url) as database:
        await database.write("CREATE TABLE notes (id INTEGER)")
        crash_and_restart(killable_postgres)
        insert = "INSERT INTO notes (id) VALUES (1) RETURNING id"
        with pytest.raises(DatabaseUnavailable):
            await database.write(insert)
        assert await database.write(insert) == [{"id": 1}]
        assert await database.read("SELECT * FROM notes") == [{"id": 1}]


async def test_a_crash_during_a_transaction_rolls_it_back(
    url: str, killable_postgres: PostgresServer
) -> None:
    async with opened(url) as database:
        await database.write("CREATE TABLE notes (id INTEGER)")

        async def write_through_a_crash() -> None:
            async with database.transaction() as transaction:
                await transaction.execute("INSERT INTO notes (id) VALUES (1)")
                crash_and_restart(killable_postgres)
                await transaction.execute("INSERT INTO notes (id) VALUES (2)")

        with pytest.raises(DatabaseUnavailable):
            await write_through_a_crash()
        assert await database.read("SELECT * FROM notes") == []


async def test_a_server_that_is_read_only_is_told_from_one_that_takes_writes(
    database_url: str,
) -> None:
    name = URL(database_url).path.removeprefix("/")
    async with open_store(database_url) as store:
        await store.check_writable()
        # When the server becomes read-only, as a standby is
        async with opened(database_url) as operator:
            await operator.write(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        async with open_read_only(database_url) as store_of_a_standby:
            # Then it answers, and says that it takes no writes
            await store_of_a_standby.ping()
            with pytest.raises(DatabaseUnavailable, match="read-only transaction"):
                await store_of_a_standby.check_writable()


async def test_a_connection_that_the_server_is_closing_is_replaced(
    database_url: str,
) -> None:
    async with connections_that_stay_open(database_url) as (url, closing), opened(url) as database:
        # Given an idle connection that received the server's last message, but not its end
        await database.ping()
        async with opened(database_url) as operator:
            await operator.read(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await closing.wait()
        for _ in range(5):
            await asyncio.sleep(0)  # the event loop reads the received bytes
        # When it is used, then another takes its place
        await database.ping()


async def test_a_service_starts_although_its_connection_breaks_during_the_migration(
    database_url: str,
) -> None:
    server = URL(database_url)
    assert server.port
    # Wherever the connection breaks: after some of the tables were created, or all
    for granted in (4_000, 1_500, 1_000, 500, 100):
        async with Link("service>database", server.port).open() as link:
            link.cut(after=granted, reset=granted % 1_000 == 0)
            url = database_url.replace(f":{server.port}/", f":{link.port}/", 1)
            async with open_job_store(url) as store:
                await store.ping()
                assert link.cuts == 1


@asynccontextmanager
async def connections_that_stay_open(url: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Run a proxy to the database that records the end of a connection without forwarding it."""
    server = URL(url)
    ended = asyncio.Event()
    connections: set[asyncio.Task[None] | None] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.current_task())
        far_reader, far_writer = await asyncio.open_connection(server.host, server.port)
        try:
            requests = asyncio.create_task(pass_on(reader, far_writer))
            await pass_on(far_reader, writer)
            ended.set()
            await requests
        except (OSError, asyncio.CancelledError):
            pass  # the client or the test has ended
        finally:
            requests.cancel()
            for end in (writer, far_writer):
                end.transport.abort()

    relay = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with relay:
        port = relay.sockets[0].getsockname()[1]
        yield url.replace(f":{server.port}/", f":{port}/", 1), ended
    for connection in filter(None, connections):
        connection.cancel()
    await asyncio.gather(*filter(None, connections), return_exceptions=True)


async def test_a_process_continues_when_a_newer_one_has_added_a_column(database_url: str) -> None:
    async with open_store(database_url) as old, opened(database_url) as new:
        first, second = await make_job(old), await make_job(old)
        await old.claim(first.id, worker="w", lease_until=9.0, now=1.0)
        await new.write("ALTER TABLE jobs ADD COLUMN priority INTEGER")
        assert await old.get(second.id) == second
        with pytest.raises(DatabaseUnavailable):
            await old.claim(second.id, worker="w", lease_until=9.0, now=1.0)
        claimed = await old.claim(second.id, worker="w", lease_until=9.0, now=1.0)
        assert claimed is not None
        assert claimed.attempt == 1


async def test_calls_fail_immediately_while_the_server_is_down_and_work_afterwards(
    url: str, killable_postgres: PostgresServer
) -> None:
    async with open_store(url) as store:
        job = await make_job(store)
        await asyncio.to_thread(killable_postgres.stop)
        with pytest.raises(DatabaseUnavailable):
            await store.ping()
        with pytest.raises(DatabaseUnavailable):
            await store.get(job.id)
        with pytest.raises(DatabaseUnavailable):
            await store.claim(job.id, worker="w", lease_until=9.0, now=6.0)
        await asyncio.to_thread(killable_postgres.start)
        await store.ping()
        assert await store.get(job.id) == job


async def test_a_hanging_server_raises_after_the_timeout(
    url: str, killable_postgres: PostgresServer
) -> None:
    async with opened(url, timeout=0.5) as database:
        await database.write("CREATE TABLE notes (id INTEGER)")
        killable_postgres.pause()
        try:
            with pytest.raises(DatabaseUnavailable):
                await database.ping()
            with pytest.raises(DatabaseUnavailable):
                await database.write("INSERT INTO notes (id) VALUES (1)")
        finally:
            killable_postgres.resume()
        await database.ping()
        assert await database.write("INSERT INTO notes (id) VALUES (2) RETURNING id") == [{"id": 2}]


async def test_connecting_waits_for_a_server_that_is_still_starting(
    url: str, killable_postgres: PostgresServer
) -> None:
    killable_postgres.kill()
    connecting = asyncio.create_task(connect(url, start_timeout=60.0))
    await asyncio.to_thread(killable_postgres.start)
    database = await connecting
    try:
        await database.ping()
    finally:
        await database.close()


async def test_connecting_to_a_server_that_does_not_start_raises_after_the_timeout() -> None:
    with pytest.raises(DatabaseUnavailable, match="database: "):
        await connect(f"postgresql://postgres@127.0.0.1:{free_port()}/x", start_timeout=0.3)


async def test_the_wait_for_a_server_without_the_database_is_limited(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "REFUSED_FOR", 0.5)
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        await connect(f"{url}-of-another-name", start_timeout=None)


async def test_a_silent_server_costs_a_call_one_timeout_in_all(
    url: str, killable_postgres: PostgresServer
) -> None:
    async with opened(url, timeout=1.5) as database:
        # Given connections in the pool that all will hang
        await asyncio.gather(*(database.ping() for _ in range(3)))
        killable_postgres.pause()
        try:
            # Then waiting for a connection and releasing it take no additional time
            calls = [database.read("SELECT 1") for _ in range(3 * Connections().size)]
            async with asyncio.timeout(2.9):
                outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert {str(outcome) for outcome in outcomes} == {"database: no answer within 1.5 s"}
            async with asyncio.timeout(2.9):
                with pytest.raises(DatabaseUnavailable):
                    await rolled_back(database)
        finally:
            killable_postgres.resume()
        await database.ping()


async def rolled_back(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.execute("SELECT 1")


async def test_a_connection_that_cannot_be_released_logs_no_error(
    postgres_server: PostgresServer,
) -> None:
    loop = asyncio.get_running_loop()
    complaints: list[object] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    target = URL(postgres_server.url)
    async with Link("client>database", target.port or 0).open() as link:
        async with opened(str(target.with_port(link.port)), timeout=0.5) as database:
            assert isinstance(database, PostgresDatabase)
            connection = await database._acquire()
            # When the server hangs while the connection is released, and the caller times out
            link.stall()
            release = asyncio.create_task(database._release(connection))
            await asyncio.sleep(0)
            release.cancel()
            await asyncio.wait((release,))
            assert release.cancelled()
            await until(lambda: _is_over(connection))
        link.flow()
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


async def _is_over(connection: Any) -> bool:
    return connection._con is None or connection._con.is_closed()


async def test_a_connection_replaced_while_the_server_is_silent_logs_no_error(
    url: str, killable_postgres: PostgresServer
) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    before = asyncio.all_tasks()
    database = await PostgresDatabase.connect(
        url, timeout=0.5, start_timeout=10.0, connections=Connections()
    )
    try:
        # Given idle connections that will be replaced, because another one was broken
        await asyncio.gather(*(database.ping() for _ in range(3)))
        await database._pool.expire_connections()
        killable_postgres.pause()
        try:
            with pytest.raises(DatabaseUnavailable):
                await database.ping()
        finally:
            # Then asyncpg closes them in tasks, whose errors are not logged
            closing_tasks = asyncio.all_tasks() - before
            assert any("close" in str(task.get_coro()) for task in closing_tasks)
            await asyncio.wait(closing_tasks)
            killable_postgres.resume()
        await database.ping()
    finally:
        await database.close()
    del closing_tasks
    gc.collect()
    assert complaints == []
