"""The contract of `SavedSpecs`, on each database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.access.acting import Acting, acts_as
from shared.access.audit import Action, AuditFilter
from shared.access.tenant import Tenant
from shared.aggregation.spec import SONG_PLAYS, Aggregate, Aggregation, GroupColumn
from shared.errors import PreconditionFailed, SpecNotFound, TooManySpecs
from shared.jobs import saved_specs
from shared.jobs.saved_spec import Expected, SavedSpec

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore

ACME, OTHER = Tenant("acme"), Tenant("other")
COUNT = Aggregation(group_by=(GroupColumn("Song"),), aggregates=(Aggregate("count"),))


async def save(
    store: SqlJobStore,
    aggregation: Aggregation = COUNT,
    *,
    name: str = "plays",
    tenant: Tenant = ACME,
    now: float = 1.0,
    expected: Expected = Expected(),  # noqa: B008 - it is frozen
) -> tuple[SavedSpec, bool]:
    return await store.specs.save(tenant, name, aggregation, now=now, expected=expected)


async def test_a_spec_is_saved_found_and_replaced(store: SqlJobStore) -> None:
    with pytest.raises(SpecNotFound):
        await store.specs.find(ACME, "plays")
    first, created = await save(store)
    assert created
    assert first == SavedSpec(ACME, "plays", COUNT, first.version, 1.0, 1.0)
    assert await store.specs.find(ACME, "plays") == first
    second, created = await save(store, SONG_PLAYS, now=2.0)
    assert not created
    assert second == SavedSpec(ACME, "plays", SONG_PLAYS, second.version, 1.0, 2.0)
    assert second.version != first.version
    assert await store.specs.find(ACME, "plays") == second


async def test_specs_are_listed_by_name_and_those_of_others_are_not(store: SqlJobStore) -> None:
    for name in ("b", "a", "C"):
        await save(store, name=name)
    theirs, _ = await save(store, SONG_PLAYS, name="a", tenant=OTHER)
    assert sorted(each.name for each in await store.specs.listed(ACME)) == ["C", "a", "b"]
    assert await store.specs.listed(OTHER) == [theirs]
    await store.specs.delete(ACME, "a", now=2.0)
    assert await store.specs.find(OTHER, "a") == theirs


async def test_a_spec_that_has_changed_is_neither_replaced_nor_deleted(store: SqlJobStore) -> None:
    first, _ = await save(store)
    mine = Expected(versions=("0" * 32, first.version), exists=True)
    second, _ = await save(store, SONG_PLAYS, expected=mine)
    with pytest.raises(PreconditionFailed):
        await save(store, expected=mine)
    with pytest.raises(PreconditionFailed):
        await store.specs.delete(ACME, "plays", now=3.0, expected=mine)
    assert await store.specs.find(ACME, "plays") == second
    current = Expected(versions=(second.version,), exists=True)
    await store.specs.delete(ACME, "plays", now=3.0, expected=current)
    with pytest.raises(SpecNotFound):
        await store.specs.delete(ACME, "plays", now=3.0)


async def test_no_version_at_all_matches_nothing(store: SqlJobStore) -> None:
    await save(store)
    with pytest.raises(PreconditionFailed):
        await save(store, SONG_PLAYS, expected=Expected(versions=(), exists=True))


async def test_one_that_has_to_be_new_or_to_exist(store: SqlJobStore) -> None:
    with pytest.raises(PreconditionFailed):
        await save(store, expected=Expected(exists=True))
    _, created = await save(store, expected=Expected(is_new=True))
    assert created
    with pytest.raises(PreconditionFailed):
        await save(store, SONG_PLAYS, expected=Expected(is_new=True))
    _, created = await save(store, SONG_PLAYS, expected=Expected(exists=True))
    assert not created


async def test_of_concurrent_first_saves_one_creates_and_all_succeed(store: SqlJobStore) -> None:
    saved = await asyncio.gather(*(save(store, now=float(number)) for number in range(8)))
    assert sum(created for _, created in saved) == 1
    assert (await store.specs.find(ACME, "plays")).version in {spec.version for spec, _ in saved}


async def test_of_concurrent_saves_that_expect_the_same_version_one_succeeds(
    store: SqlJobStore,
) -> None:
    first, _ = await save(store)
    expected = Expected(versions=(first.version,), exists=True)
    outcomes = await asyncio.gather(
        *(save(store, SONG_PLAYS, expected=expected) for _ in range(6)), return_exceptions=True
    )
    refused = [each for each in outcomes if isinstance(each, PreconditionFailed)]
    assert len(refused) == 5


async def test_a_tenant_has_a_bounded_number(
    store: SqlJobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_specs, "MAX_SPECS", 2)
    await save(store, name="a")
    await save(store, name="b")
    with pytest.raises(TooManySpecs):
        await save(store, name="c")
    await save(store, SONG_PLAYS, name="b")
    await save(store, name="c", tenant=OTHER)
    await store.specs.delete(ACME, "a", now=2.0)
    await save(store, name="c")


async def test_who_changes_a_spec_is_recorded(store: SqlJobStore) -> None:
    with acts_as(Acting(ACME, "k1", "10.0.0.1")):
        await save(store, now=1.0)
        await store.specs.delete(ACME, "plays", now=2.0)
    found = await store.access.audit.entries(AuditFilter(object="plays"), limit=9)
    assert [(each.action, each.at, each.key_id) for each in found] == [
        (Action.SPEC_DELETED, 2.0, "k1"),
        (Action.SPEC_SAVED, 1.0, "k1"),
    ]
