"""The places of blobs that several storage servers receive, on each database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from shared.blobs.blob import Declaration, upload_key

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore

KEY = upload_key(UUID(int=1))
OTHER = upload_key(UUID(int=2))
DECLARED = Declaration(7, "ab" * 32, {"filename": "ä.csv"})
A, B, C = "http://a:1", "http://b:1", "http://c:1"


async def test_the_first_place_of_a_blob_stays(store: SqlJobStore) -> None:
    assert await store.places.find(KEY) is None
    first = await store.places.put(KEY, A, DECLARED)
    assert (first.key, first.server, first.settled, first.declaration) == (KEY, A, True, DECLARED)
    assert await store.places.put(KEY, B, Declaration(8)) == first
    assert await store.places.find(KEY) == first


async def test_gateways_that_create_a_blob_at_once_get_one_place(store: SqlJobStore) -> None:
    places = await asyncio.gather(*(store.places.put(KEY, url, DECLARED) for url in (A, B, C)))
    assert len({place.server for place in places}) == 1


async def test_of_those_who_move_a_blob_at_once_one_decides_where_it_is(store: SqlJobStore) -> None:
    first = await store.places.put(KEY, A, DECLARED)
    moved = await asyncio.gather(*(store.places.move(first, url) for url in (B, C, B)))
    assert moved[0] is not None
    assert moved[0].server in (B, C)
    assert moved[0].epoch > first.epoch
    assert not moved[0].settled
    assert (first.moved, moved[0].moved) == (False, True)
    assert moved == [moved[0]] * 3


async def test_a_moved_blob_is_settled_only_under_its_own_epoch(store: SqlJobStore) -> None:
    first = await store.places.put(KEY, A, DECLARED)
    second = await store.places.move(first, B)
    assert second is not None
    await store.places.settle(first)
    assert await store.places.find(KEY) == second
    await store.places.settle(second)
    assert await store.places.find(KEY) == replace(second, settled=True)


async def test_a_size_that_is_declared_later_is_recorded(store: SqlJobStore) -> None:
    place = await store.places.put(KEY, A, replace(DECLARED, size=None))
    await store.places.declare_size(place, 1 << 40)
    found = await store.places.find(KEY)
    assert found is not None
    assert found.declaration == replace(DECLARED, size=1 << 40)


async def test_a_place_is_removed_whole_or_under_an_epoch(store: SqlJobStore) -> None:
    first = await store.places.put(KEY, A, DECLARED)
    second = await store.places.move(first, B)
    assert second is not None
    assert await store.places.remove(KEY, first.epoch) is None
    assert await store.places.remove(KEY, second.epoch) == second
    await store.places.put(KEY, A, DECLARED)
    assert (await store.places.remove(KEY)) is not None
    assert await store.places.find(KEY) is None
    assert await store.places.move(second, A) is None


async def test_a_deleted_blob_that_is_created_again_has_to_be_adopted_under_a_higher_epoch(
    store: SqlJobStore,
) -> None:
    first = await store.places.put(KEY, A, DECLARED)
    await store.places.bury(KEY)
    buried = await store.places.find(KEY)
    assert buried is not None
    assert buried.server is None
    assert buried.epoch > first.epoch
    assert await store.places.remove(KEY) is None, "it is not forgotten like a place"
    again = await store.places.put(KEY, A, Declaration(9))
    assert (again.server, again.settled, again.declaration.size) == (A, False, 9)
    assert not again.moved
    assert again.epoch > buried.epoch


async def test_deleted_blobs_are_forgotten_after_a_time_and_places_are_not(
    store: SqlJobStore,
) -> None:
    place = await store.places.put(KEY, A, DECLARED)
    await store.places.bury(OTHER)
    assert [each async for each in store.places.all()] == [place]
    await store.places.forget(before=1.0)
    assert await store.places.find(OTHER) is not None
    await store.places.forget(before=1e12)
    assert await store.places.find(OTHER) is None
    assert await store.places.find(KEY) == place


async def test_all_places_are_listed_once_each(store: SqlJobStore) -> None:
    keys = [upload_key(UUID(int=number)) for number in range(1, 206)]
    for key in keys:
        await store.places.put(key, A, DECLARED)
    assert sorted([place.key async for place in store.places.all()]) == sorted(keys)
