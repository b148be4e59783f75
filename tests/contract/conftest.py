"""The bus of each adapter, with a real broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.bus.in_process import InProcessBus
from shared.bus.rabbitmq.bus import RabbitBus
from tests.contract.amqp import without_topology

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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
