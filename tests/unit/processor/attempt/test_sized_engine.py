"""Which engine aggregates a source, by its size."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from processor.attempt.sized_engine import SizedEngine
from processor.engines.usage import OutOfMemory, OutOfScratch
from shared.jobs.job import SONG_PLAYS

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


class Source:
    local_path = None

    def __init__(self, size: int) -> None:
        self.size = size

    def open(self) -> Any:
        raise AssertionError("the engines of these tests read nothing")


class Engine:
    """Raises `error`, or returns its own name; waits for `may_end`."""

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self._name = name
        self._error = error
        self.running = self.most_running = 0
        self.started = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def aggregate(self, *_: object) -> Any:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.started.set()
        try:
            await self.may_end.wait()
        finally:
            self.running -= 1
        if self._error:
            raise self._error
        return self._name


async def aggregate(engine: SizedEngine, size: int, scratch: Path) -> Any:
    return await engine.aggregate(SONG_PLAYS, Source(size), scratch, lambda _: None)


@pytest.mark.parametrize(
    ("size", "engine"),
    [(0, "small"), (4 * MIB, "small"), (4 * MIB + 1, "large"), (1 << 40, "large")],
)
async def test_a_source_of_up_to_4_mib_is_small(size: int, engine: str, tmp_path: Path) -> None:
    assert await aggregate(SizedEngine(Engine("small"), Engine("large")), size, tmp_path) == engine


async def test_a_small_source_that_needs_more_memory_is_aggregated_as_a_large_one(
    tmp_path: Path,
) -> None:
    small = Engine("small", OutOfMemory(256 * MIB))
    assert await aggregate(SizedEngine(small, Engine("large")), 9, tmp_path) == "large"


async def test_one_small_source_at_a_time_has_the_memory_of_a_large_one(tmp_path: Path) -> None:
    large = Engine("large")
    large.may_end.clear()
    engine = SizedEngine(Engine("small", OutOfMemory(256 * MIB)), large)
    both = [asyncio.create_task(aggregate(engine, 9, tmp_path)) for _ in range(2)]
    await large.started.wait()
    large.may_end.set()
    assert await asyncio.gather(*both) == ["large", "large"]
    assert large.most_running == 1


@pytest.mark.parametrize("error", [OutOfScratch(1), LookupError()])
async def test_any_other_failure_is_that_of_the_attempt(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)):
        await aggregate(SizedEngine(Engine("small", error), Engine("large")), 9, tmp_path)


async def test_a_large_source_that_needs_more_memory_fails(tmp_path: Path) -> None:
    large = Engine("large", OutOfMemory(1 << 30))
    with pytest.raises(OutOfMemory):
        await aggregate(SizedEngine(Engine("small"), large), 1 << 30, tmp_path)
