from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from processor.maintenance.periodic import run_periodically
from shared.errors import DatabaseUnavailable, StorageFull
from tests.services import until

if TYPE_CHECKING:
    import pytest


async def test_errors_of_one_step_stop_neither_the_others_nor_the_task(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors: list[Exception] = [
        DatabaseUnavailable("down"),
        StorageFull("no room"),
        RuntimeError("a defect"),
    ]
    runs = 0

    async def fails_at_first() -> None:
        if errors:
            raise errors.pop(0)

    async def counts() -> None:
        nonlocal runs
        runs += 1

    async def ran_after_all() -> bool:
        return runs >= 4

    task = asyncio.create_task(run_periodically("sweeper", fails_at_first, counts, interval=0.001))
    await until(ran_after_all)
    assert not task.done()
    task.cancel()
    await asyncio.wait((task,))
    assert [record.message for record in caplog.records] == [
        "sweeper waits: down",
        "sweeper waits: no room",
        "sweeper failed and continues",
    ]


async def test_a_random_start_delays_the_first_run(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = asyncio.Event()

    async def step() -> None:
        ran.set()

    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    task = asyncio.create_task(run_periodically("relay", step, interval=60.0, random_start=True))
    await asyncio.sleep(0.05)
    assert not ran.is_set()
    task.cancel()
    await asyncio.wait((task,))


async def test_a_random_start_is_soon_whatever_the_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    latest: list[float] = []

    def at_once(_low: float, high: float) -> float:
        latest.append(high)
        return 0.0

    monkeypatch.setattr(random, "uniform", at_once)
    for interval in (5.0, 86_400.0):
        ran = asyncio.Event()

        async def step(ran: asyncio.Event = ran) -> None:
            ran.set()

        task = asyncio.create_task(
            run_periodically("sweeper", step, interval=interval, random_start=True)
        )
        await ran.wait()
        task.cancel()
        await asyncio.wait((task,))
    assert latest == [5.0, 30.0]
