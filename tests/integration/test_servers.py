"""The properties of the private servers on which tests rely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aio_pika
import asyncpg
import pytest

from shared.bus import topology
from tests.servers.external_broker import emptied_vhost
from tests.servers.postgres import fresh_database

if TYPE_CHECKING:
    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer


async def _select(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_every_test_gets_an_empty_database_of_its_own(
    database_url: str, postgres_server: PostgresServer
) -> None:
    await _execute(database_url, "CREATE TABLE songs (title text)")

    with fresh_database(postgres_server.url) as other:
        tables = await _select(
            other,
            "SELECT count(*) FROM pg_tables WHERE schemaname NOT LIKE ALL"
            " (ARRAY['pg_catalog', 'information_schema'])",
        )

    assert tables == 0
    assert other != database_url


async def test_a_user_who_may_not_create_databases_gets_an_empty_schema(
    postgres_server: PostgresServer, database_url: str
) -> None:
    await _execute(
        database_url,
        "CREATE TABLE songs AS SELECT 'kept' AS title; CREATE ROLE limited LOGIN;"
        " DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO limited',"
        " current_database()); END $$",
    )
    try:
        with fresh_database(database_url.replace("postgres@", "limited@")) as url:
            await _execute(url, "CREATE TABLE songs (title text)")
            in_schema = await _select(url, "SELECT count(*) FROM songs")
        kept = await _select(database_url, "SELECT title FROM songs")
    finally:
        await _execute(database_url, "DROP OWNED BY limited; DROP ROLE limited")

    assert in_schema == 0
    assert kept == "kept"


async def test_committed_rows_survive_a_kill_of_postgres(
    killable_postgres: PostgresServer,
) -> None:
    with fresh_database(killable_postgres.url) as url:
        await _execute(url, "CREATE TABLE songs AS SELECT 42 AS plays")

        killable_postgres.kill()
        assert not killable_postgres.running
        killable_postgres.start()

        assert await _select(url, "SELECT plays FROM songs") == 42


async def test_confirmed_messages_survive_a_kill_of_rabbitmq(
    killable_rabbit: RabbitServer,
) -> None:
    with killable_rabbit.fresh_vhost() as url:
        async with await aio_pika.connect(url) as connection, connection.channel() as channel:
            await channel.declare_queue("jobs", durable=True, arguments={"x-queue-type": "quorum"})
            killable_rabbit.sync_tables()
            await channel.default_exchange.publish(
                aio_pika.Message(b"42", delivery_mode=aio_pika.DeliveryMode.PERSISTENT), "jobs"
            )

            killable_rabbit.kill()
        assert not killable_rabbit.running
        killable_rabbit.start()

        async with await aio_pika.connect(url) as connection, connection.channel() as channel:
            queue = await channel.declare_queue("jobs", passive=True)
            message = await queue.get(timeout=10)
            await message.ack()
    assert message.body == b"42"


async def test_every_test_gets_an_empty_virtual_host_of_its_own(
    broker_url: str, rabbit_server: RabbitServer
) -> None:
    async with await aio_pika.connect(broker_url) as connection, connection.channel() as channel:
        await channel.declare_queue("jobs")

    vhost = broker_url.rpartition("/")[2]

    assert rabbit_server.rabbitmqctl("list_queues", "-p", vhost, "name").split() == ["name", "jobs"]
    with rabbit_server.fresh_vhost() as other:
        assert (
            rabbit_server.rabbitmqctl("list_queues", "-p", other.rpartition("/")[2]).strip() == ""
        )


async def test_only_our_queues_are_deleted_from_a_virtual_host_of_others(
    broker_url: str,
) -> None:
    connection = await aio_pika.connect(broker_url)
    async with connection, connection.channel() as channel:
        await channel.declare_queue(topology.WAITING)
        await channel.declare_queue("of.another.application")
        await channel.declare_exchange(topology.EXCHANGE)

    with emptied_vhost(broker_url):
        connection = await aio_pika.connect(broker_url)
        async with connection:
            async with connection.channel() as channel:
                await channel.declare_queue("of.another.application", passive=True)
                with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
                    await channel.declare_queue(topology.WAITING, passive=True)
            async with connection.channel() as channel:
                with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
                    await channel.get_exchange(topology.EXCHANGE, ensure=True)
