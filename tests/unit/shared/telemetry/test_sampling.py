from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, Gauge

from shared.errors import DatabaseUnavailable
from shared.telemetry.metrics import Metrics
from shared.telemetry.sampling import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence


class Outside:
    """The source of a sample: it answers, fails or hangs."""

    def __init__(self) -> None:
        self.value = 1.0
        self.looks = 0
        self.error: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def look(self) -> Sequence[float]:
        self.looks += 1
        await self.answers.wait()
        if self.error:
            raise self.error
        return [self.value]


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def sample_of(
    outside: Outside, registry: CollectorRegistry, *, max_age: float = 0.0, timeout: float = 0.01
) -> Sample:
    gauge = Gauge("outside", "What is there.", registry=registry)
    return Sample("outside", [gauge], outside.look, max_age=max_age, timeout=timeout)


def shown(registry: CollectorRegistry) -> float:
    value = registry.get_sample_value("outside")
    assert value is not None
    return value


async def test_a_recent_sample_is_reused(registry: CollectorRegistry) -> None:
    outside = Outside()
    sample = sample_of(outside, registry, max_age=3600)
    assert all(await asyncio.gather(*(sample.take() for _ in range(5))))
    outside.value = 2.0
    assert await sample.take()
    assert (outside.looks, shown(registry)) == (1, 1.0)


async def test_a_gauge_is_nan_while_its_sample_fails(
    registry: CollectorRegistry,
) -> None:
    outside = Outside()
    sample = sample_of(outside, registry)
    assert math.isnan(shown(registry))
    assert await sample.take()
    outside.error = DatabaseUnavailable("away")
    assert not await sample.take()
    assert math.isnan(shown(registry))
    outside.error, outside.value = None, 3.0
    assert await sample.take()
    assert shown(registry) == 3.0


async def test_a_hanging_sample_delays_no_caller_and_runs_once(
    registry: CollectorRegistry,
) -> None:
    outside = Outside()
    outside.answers.clear()
    sample = sample_of(outside, registry)
    assert [await sample.take() for _ in range(3)] == [False] * 3
    assert outside.looks == 1
    outside.answers.set()
    assert await sample.take()
    assert (outside.looks, shown(registry)) == (1, 1.0)


async def test_a_hanging_sample_is_cancelled_at_close(registry: CollectorRegistry) -> None:
    outside = Outside()
    outside.answers.clear()
    sample = sample_of(outside, registry)
    await sample.take()
    await sample.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_failures_are_counted_by_sample() -> None:
    metrics = Metrics("gateway")
    outside = Outside()
    metrics.sample(sample_of(outside, metrics.registry))
    await metrics.page("")
    outside.error = DatabaseUnavailable("away")
    await metrics.page("")
    failures = metrics.registry.get_sample_value(
        "csvmill_sample_failures_total", {"sample": "outside"}
    )
    assert failures == 1
