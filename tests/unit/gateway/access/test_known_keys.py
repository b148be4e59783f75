"""Keys in memory: a request costs no query, and a flood of unknown ones few."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from gateway.access import known_keys
from gateway.access.known_keys import KnownKeys
from shared.access.keys import ApiKey, new_key
from shared.access.principal import Scope
from shared.access.tenant import Tenant
from shared.errors import DatabaseUnavailable, TooManyUnknownKeys


def key_of(key_id: str) -> ApiKey:
    return ApiKey(key_id, Tenant("acme"), "x", frozenset(Scope), new_key(key_id).digest, 0.0)


class Store:
    """Counts the queries for each id."""

    def __init__(self, *ids: str) -> None:
        self.keys = {key_id: key_of(key_id) for key_id in ids}
        self.asked: Counter[str] = Counter()
        self.recorded: Counter[str] = Counter()
        self.away = False

    async def find(self, key_id: str) -> ApiKey | None:
        self.asked[key_id] += 1
        await asyncio.sleep(0)
        if self.away:
            raise DatabaseUnavailable("the database does not answer")
        return self.keys.get(key_id)

    async def used(self, key_id: str, *, at: float) -> None:
        if self.away:
            raise DatabaseUnavailable("the database does not answer")
        self.recorded[key_id] += 1


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def known(store: Store, clock: Clock) -> KnownKeys:
    return KnownKeys(store, 5.0, clock)  # type: ignore[arg-type]


async def test_a_key_is_read_once_in_its_time_and_then_again() -> None:
    store, clock = Store("a"), Clock()
    keys = known(store, clock)
    found = await asyncio.gather(*(keys.find("a") for _ in range(50)))
    assert found == [store.keys["a"]] * 50
    clock.now += 4.9
    assert await keys.find("a") == store.keys["a"]
    assert store.asked == {"a": 1}
    store.keys["a"] = changed = key_of("a")
    clock.now += 0.2
    assert await keys.find("a") == changed
    assert store.asked == {"a": 2}


async def test_a_change_of_this_process_is_seen_at_once() -> None:
    store = Store("a")
    keys = known(store, Clock())
    await keys.find("a")
    store.keys.clear()
    keys.forget("a")
    assert await keys.find("a") is None


async def test_a_read_from_before_a_change_is_not_remembered() -> None:
    store = Store("a")
    keys = known(store, Clock())
    read, go_on = asyncio.Event(), asyncio.Event()
    find = store.find

    async def slow(key_id: str) -> ApiKey | None:
        found = await find(key_id)
        read.set()
        await go_on.wait()
        return found

    store.find = slow  # type: ignore[method-assign]
    before = asyncio.create_task(keys.find("a"))
    await read.wait()
    store.find = find  # type: ignore[method-assign]
    store.keys.clear()
    keys.forget("a")
    assert await keys.find("a") is None
    go_on.set()
    assert await before is not None
    assert await keys.find("a") is None


async def test_an_unknown_id_is_remembered_too() -> None:
    store, clock = Store(), Clock()
    keys = known(store, clock)
    assert [await keys.find("x") for _ in range(9)] == [None] * 9
    assert store.asked == {"x": 1}
    store.keys["x"] = key_of("x")
    clock.now += 5.1
    assert await keys.find("x") is not None


async def test_a_flood_of_unknown_ids_costs_few_queries_and_disturbs_no_known_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known_keys, "CAPACITY", 500)
    store, clock = Store("a"), Clock()
    keys = known(store, clock)
    await keys.find("a")
    refused = 0
    for number in range(5000):
        try:
            assert await keys.find(f"unknown {number}") is None
        except TooManyUnknownKeys:
            refused += 1
    assert (refused, store.asked.total()) == (4001, 1000)
    assert len(keys._absent) == 500
    clock.now += 6.0  # the known key has to be read again, which the flood cannot prevent
    keys._allowance, keys._refilled_at = 0.0, clock.now
    assert await keys.find("a") == store.keys["a"]
    clock.now += 0.5
    for number in range(100):
        try:
            await keys.find(f"later {number}")
        except TooManyUnknownKeys:
            refused += 1
    assert refused == 4001 + 50


async def test_a_fault_of_the_database_is_not_remembered() -> None:
    store = Store("a")
    keys = known(store, Clock())
    store.away = True
    with pytest.raises(DatabaseUnavailable):
        await keys.find("a")
    store.away = False
    assert await keys.find("a") is not None


async def test_the_use_of_a_key_is_recorded_once_a_minute_and_again_after_a_fault() -> None:
    store, clock = Store("a", "b"), Clock()
    keys = known(store, clock)
    for _ in range(9):
        keys.used("a")
    keys.used("b")
    await keys.close()
    assert store.recorded == {"a": 1, "b": 1}
    clock.now += 61.0
    store.away = True
    keys.used("a")
    await keys.close()
    store.away = False
    keys.used("a")
    await keys.close()
    assert store.recorded == {"a": 2, "b": 1}
