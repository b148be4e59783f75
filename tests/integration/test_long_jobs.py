"""A job that takes longer than the broker waits for an acknowledgement."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from csvmill.client import AsyncClient
from shared.jobs.job import JobState
from tests.chunks import send_chunk
from tests.contract.job_stores import open_store
from tests.gate import Gate
from tests.integration.plays import PLAYS
from tests.servers.postgres import fresh_database
from tests.services import Services, line, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

QUICK = {"consumer_timeout": 1000, "channel_tick_interval": 250}
"""Milliseconds: how long an acknowledgement may take, and how often the broker looks. RabbitMQ has
30 minutes and 1 by default; the mechanism is the same on a faster clock."""
A_MINUTE = {"consumer_timeout": 60_000, "channel_tick_interval": 60_000}
"""RabbitMQ's own clock: what is overdue after a minute is found within a further one."""

TIMEOUT = 150.0
"""Seconds that the test waits for the broker to lose its own."""


@pytest.fixture(
    params=[
        pytest.param(QUICK, id="a second"),
        pytest.param(A_MINUTE, id="a minute", marks=[pytest.mark.long, pytest.mark.timeout(300)]),
    ]
)
def impatient_broker(
    killable_rabbit: RabbitServer, request: pytest.FixtureRequest
) -> Iterator[RabbitServer]:
    """A broker that requeues a message that is not settled in time."""
    settings: dict[str, int] = request.param
    before = {
        name: killable_rabbit.evaluate(
            f"begin {{ok, V}} = application:get_env(rabbit, {name}), V end"
        )
        for name in settings
    }
    for name, value in settings.items():
        killable_rabbit.evaluate(f"application:set_env(rabbit, {name}, {value})")
    yield killable_rabbit
    for name, former in before.items():
        killable_rabbit.evaluate(f"application:set_env(rabbit, {name}, {former})")


async def test_a_job_longer_than_the_broker_s_ack_timeout_runs_once(
    tmp_path: Path, postgres_server: PostgresServer, impatient_broker: RabbitServer
) -> None:
    gate = Gate(tmp_path, "long", PLAYS)
    with (
        closing(gate),
        fresh_database(postgres_server.url) as database_url,
        impatient_broker.fresh_vhost() as broker_url,
        Services(tmp_path / "services", database_url, broker_url) as services,
    ):
        storage, gateway = services.storage(), services.gateway()
        worker = services.processor(blob_dir=gate.blob_dir)
        listening(storage, gateway, worker)
        # Given a job that is running
        job_id = (await send_chunk(gateway.url, "long", PLAYS)).job_id
        await gate.reached()
        with services.processor() as other:
            await line(other, "consuming from")
            # When the broker takes its wake-up back and gives it to another
            await line(worker, "no longer consuming from", timeout=TIMEOUT)
            await line(other, f"job={job_id} is leased to")
            async with open_store(database_url) as store:
                assert (await store.get(UUID(job_id))).state is JobState.STARTED
                # And it comes to its end
                gate.open()
                async with AsyncClient(gateway.url) as client:
                    await client.wait(job_id, timeout=30)
                # Then it has run once
                outcomes = [attempt.outcome for attempt in await store.attempts(UUID(job_id))]
                assert outcomes == ["success"]
            assert not any(f"job={job_id} attempt=" in text for text in other.lines)
        # And its worker takes jobs again
        job_id = (await send_chunk(gateway.url, "next", PLAYS)).job_id
        async with AsyncClient(gateway.url) as client:
            await client.wait(job_id, timeout=30)
