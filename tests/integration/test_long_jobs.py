"""A job that takes longer than the acknowledgement timeout of the broker."""

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
"""Milliseconds: the acknowledgement timeout, and the interval in which the broker checks it. The
defaults of RabbitMQ are 30 minutes and one minute. The mechanism is the same with short times."""
A_MINUTE = {"consumer_timeout": 60_000, "channel_tick_interval": 60_000}
"""RabbitMQ's own interval: a timeout of one minute is noticed within another minute."""

TIMEOUT = 150.0
"""Seconds that the test waits until the broker has noticed the timeout."""


@pytest.fixture(
    params=[
        pytest.param(QUICK, id="a second"),
        pytest.param(A_MINUTE, id="a minute", marks=pytest.mark.long),
    ]
)
def broker_with_short_timeout(
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
    tmp_path: Path, postgres_server: PostgresServer, broker_with_short_timeout: RabbitServer
) -> None:
    gate = Gate(tmp_path, "long", PLAYS)
    with (
        closing(gate),
        fresh_database(postgres_server.url) as database_url,
        broker_with_short_timeout.fresh_vhost() as broker_url,
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
            # When the broker requeues its wake-up and delivers it to another worker
            await line(worker, "no longer consuming from", timeout=TIMEOUT)
            await line(other, f"job={job_id} is leased to")
            async with open_store(database_url) as store:
                assert (await store.get(UUID(job_id))).state is JobState.STARTED
                # And the job finishes
                gate.open()
                async with AsyncClient(gateway.url) as client:
                    await client.wait(job_id, timeout=30)
                # Then it has run once
                outcomes = [attempt.outcome for attempt in await store.attempts(UUID(job_id))]
                assert outcomes == ["success"]
            assert not any(f"job={job_id} attempt=" in text for text in other.lines)
        # And its worker claims jobs again
        job_id = (await send_chunk(gateway.url, "next", PLAYS)).job_id
        async with AsyncClient(gateway.url) as client:
            await client.wait(job_id, timeout=30)
