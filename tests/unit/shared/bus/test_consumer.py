"""A RabbitMQ consumer whose broker is down."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from shared.bus.rabbitmq import consumer

if TYPE_CHECKING:
    import pytest

    from shared.ports import Delivery


async def test_a_consumer_stops_although_its_cancelled_attempt_to_connect_fails_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connecting = asyncio.Event()

    async def connect(_url: str, _role: str) -> None:
        # So does the library at times: the cancellation arrives as an error of the connection.
        connecting.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.5)
        raise ConnectionError("closed")

    async def handle(_delivery: Delivery) -> None:
        raise AssertionError("no delivery")

    monkeypatch.setattr(consumer, "connect", connect)
    rabbit = consumer.RabbitConsumer(
        "amqp://x", handle, queue="any", prefetch=1, timeout=5.0, on_delivery=lambda _: None
    )
    task = rabbit.start()
    await connecting.wait()
    async with asyncio.timeout(5):
        await rabbit.stop()
        await task
