"""Storage and a gateway for all tests of a module. Each test starts its own processors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.bus.rabbitmq import consumer
from tests.contract.job_stores import open_store
from tests.servers.postgres import fresh_database
from tests.services import Services, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.jobs.store import SqlJobStore
    from tests.processes import ServiceProcess
    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer


@pytest.fixture(scope="module")
def services(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    rabbit_server: RabbitServer,
) -> Iterator[Services]:
    """Services on a fresh database and a fresh broker; storage listens."""
    with (
        fresh_database(postgres_server.url) as database_url,
        rabbit_server.fresh_vhost() as broker_url,
        Services(tmp_path_factory.mktemp("services"), database_url, broker_url) as started,
    ):
        # No gateway waits for it.
        listening(started.storage())
        yield started


@pytest.fixture(scope="module")
def gateway(services: Services) -> ServiceProcess:
    """A running gateway. Tests must not end it."""
    process = services.gateway()
    listening(process)
    return process


@pytest.fixture
async def store(services: Services) -> AsyncIterator[SqlJobStore]:
    """The job store of the services, for assertions."""
    async with open_store(services.database_url) as opened:
        yield opened


@pytest.fixture
def short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer that lost its connection reconnects after 0.4 s at most."""
    monkeypatch.setattr(consumer, "LONGEST_BACKOFF", 0.4)
