"""When the worker asks whether storage is available."""

from __future__ import annotations

import pytest

from processor.attempt import backoff
from processor.attempt.backoff import FRESH, StorageGate
from shared.errors import StorageUnavailable


class Storage:
    """Answers pings, after those that fail. Each takes a second of `now`."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pings = 0
        self.failing = 0

    def clock(self) -> float:
        return self.now

    async def ping(self) -> None:
        self.pings += 1
        self.now += 1.0
        if self.failing:
            self.failing -= 1
            raise StorageUnavailable("storage does not answer")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_BACKOFF", 0.0)
    monkeypatch.setattr(backoff, "LONGEST_BACKOFF", 0.0)


async def test_work_begins_when_storage_answers() -> None:
    storage = Storage()
    storage.failing = 3
    await StorageGate(storage.ping, storage.clock).passed()
    assert storage.pings == 4


async def test_storage_that_has_just_answered_is_not_asked_again_unless_it_fails() -> None:
    storage = Storage()
    gate = StorageGate(storage.ping, storage.clock)
    for _ in range(5):
        await gate.passed()
    assert storage.pings == 1
    gate.close()
    await gate.passed()
    assert storage.pings == 2
    storage.now += FRESH * 0.9
    await gate.passed()
    assert storage.pings == 2
    storage.now += FRESH * 0.2
    await gate.passed()
    assert storage.pings == 3
