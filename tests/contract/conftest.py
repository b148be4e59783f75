"""The bus of each adapter, and the URL of each database, with real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.bus.in_process import InProcessBus
from shared.bus.rabbitmq.bus import RabbitBus
from tests.contract.amqp import without_topology
from tests.contract.job_stores import BACKENDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.ports import Bus


@pytest.fixture(params=["in process", "rabbitmq"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    if request.param == "in process":
        async with InProcessBus() as bus:
            yield bus
    else:
        url = str(request.getfixturevalue("broker_url"))
        async with without_topology(url), RabbitBus(url) as bus:
            yield bus


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'some.db'}"
    return str(request.getfixturevalue("database_url"))
