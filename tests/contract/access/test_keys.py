"""The contract of `KeyStore`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.access import key_store
from shared.access.audit import Action, AuditEntry, AuditFilter
from shared.access.keys import ApiKey, new_key
from shared.access.principal import Scope
from shared.access.tenant import Tenant
from shared.errors import TooManyKeys

if TYPE_CHECKING:
    from shared.access.store import SqlAccess

ACME, OTHER = Tenant("acme"), Tenant("other")


def entry(action: Action, key_id: str, at: float = 5.0) -> AuditEntry:
    return AuditEntry(at, ACME, "operator", "10.0.0.1", action, key_id)


async def created(
    access: SqlAccess, tenant: Tenant = ACME, at: float = 1.0, *, is_operator: bool = False
) -> ApiKey:
    text = new_key()
    key = ApiKey(
        text.id, tenant, "nightly import", frozenset({Scope.READ, Scope.UPLOAD}), text.digest, at,
        is_operator,
    )  # fmt: skip
    await access.keys.create(key, entry(Action.KEY_CREATED, key.id, at))
    return key


async def actions(access: SqlAccess) -> list[tuple[object, str]]:
    found = await access.audit.entries(AuditFilter(), limit=100)
    return [(each.action, each.object) for each in found]


async def test_a_stored_key_is_found_with_all_that_it_has(access: SqlAccess) -> None:
    key = replace(await created(access))
    assert await access.keys.find(key.id) == key
    text = new_key()
    more = ApiKey(
        text.id, OTHER, "\u20ac", frozenset(Scope), text.digest, 2.5, is_operator=True,
        expires_at=1e10,
    )  # fmt: skip
    await access.keys.create(more, entry(Action.KEY_CREATED, more.id))
    assert await access.keys.find(more.id) == more
    assert await access.keys.find("unknown") is None
    assert await access.keys.find(key.id.swapcase()) is None


@pytest.mark.parametrize("key_id", ["a\0b", "\udc80"])
async def test_an_id_that_no_database_can_store_is_of_no_key(
    access: SqlAccess, key_id: str
) -> None:
    await created(access)
    assert await access.keys.find(key_id) is None
    acted = entry(Action.KEY_REVOKED, key_id)
    for tenant in (ACME, None):
        assert await access.keys.revoke(key_id, acted, tenant=tenant) is None
        rotated = access.keys.rotate(key_id, "digest", acted, previous_until=9.0, tenant=tenant)
        assert await rotated is None


async def test_keys_are_listed_by_tenant_the_oldest_first(access: SqlAccess) -> None:
    late, other, early = [
        await created(access, tenant, at) for tenant, at in ((ACME, 9.0), (OTHER, 5.0), (ACME, 1.0))
    ]
    assert await access.keys.listed(ACME) == [early, late]
    assert await access.keys.listed(OTHER) == [other]
    assert await access.keys.listed(None) == [early, other, late]
    assert await access.keys.listed(Tenant("nobody")) == []


async def test_a_key_that_is_revoked_stays_so_since_the_first_time(access: SqlAccess) -> None:
    key = await created(access)
    for at in (5.0, 7.0):
        revoked = await access.keys.revoke(
            key.id, entry(Action.KEY_REVOKED, key.id, at), tenant=ACME
        )
        assert revoked == replace(key, revoked_at=5.0) == await access.keys.find(key.id)
        assert revoked is not None
        assert not revoked.is_valid(1.0)


async def test_a_rotated_key_has_both_digests_and_then_one(access: SqlAccess) -> None:
    key = await created(access)
    second, third = new_key(key.id), new_key(key.id)
    rotated = await access.keys.rotate(
        key.id, second.digest, entry(Action.KEY_ROTATED, key.id), previous_until=20.0, tenant=ACME
    )
    assert rotated is not None
    assert rotated == await access.keys.find(key.id)
    assert (rotated.matches(key.digest, 19.9), rotated.matches(key.digest, 20.0)) == (True, False)
    assert rotated.matches(second.digest, 1e12)
    rotated = await access.keys.rotate(
        key.id, third.digest, entry(Action.KEY_ROTATED, key.id), previous_until=30.0, tenant=None
    )
    assert rotated is not None
    matching = [rotated.matches(digest, 10.0) for digest in (key.digest, second.digest)]
    assert matching == [False, True]
    assert rotated.rotated_at == 5.0


async def test_another_tenant_and_a_revoked_key_change_nothing(access: SqlAccess) -> None:
    key = await created(access)
    note = entry(Action.KEY_REVOKED, key.id)
    assert await access.keys.revoke(key.id, note, tenant=OTHER) is None
    assert (
        await access.keys.rotate(key.id, "0" * 64, note, previous_until=9.0, tenant=OTHER) is None
    )
    assert await access.keys.find(key.id) == key
    revoked = await access.keys.revoke(key.id, note, tenant=None)
    assert (
        await access.keys.rotate(
            key.id, "0" * 64, entry(Action.KEY_ROTATED, key.id), previous_until=9.0, tenant=ACME
        )
        is None
    )
    assert await access.keys.find(key.id) == revoked
    assert await actions(access) == [(Action.KEY_REVOKED, key.id), (Action.KEY_CREATED, key.id)]


async def test_a_key_that_cannot_be_stored_is_not_recorded(access: SqlAccess) -> None:
    key = await created(access)
    with pytest.raises(Exception, match=r"(?i)unique"):
        await access.keys.create(key, entry(Action.KEY_CREATED, key.id))
    assert await actions(access) == [(Action.KEY_CREATED, key.id)]


async def test_the_last_use_of_a_key_never_goes_back(access: SqlAccess) -> None:
    key = await created(access)
    for at in (5.0, 9.0, 7.0):
        await access.keys.used(key.id, at=at)
    assert await access.keys.find(key.id) == replace(key, last_used_at=9.0)


async def test_whether_there_is_a_valid_key(access: SqlAccess) -> None:
    assert not await access.keys.exist(now=0.0)
    text = new_key()
    key = ApiKey(text.id, ACME, "x", frozenset(Scope), text.digest, 1.0, expires_at=10.0)
    await access.keys.create(key, entry(Action.KEY_CREATED, key.id))
    assert [await access.keys.exist(now=now) for now in (9.0, 10.0)] == [True, False]
    await access.keys.revoke(key.id, entry(Action.KEY_REVOKED, key.id), tenant=None)
    assert not await access.keys.exist(now=9.0)


async def test_a_tenant_neither_sees_nor_changes_the_key_of_an_operator(access: SqlAccess) -> None:
    """Not even one of the same tenant: whoever rotates a key has it, and all that it allows."""
    key = await created(access, is_operator=True)
    revocation = entry(Action.KEY_REVOKED, key.id)
    rotation = entry(Action.KEY_ROTATED, key.id)
    assert await access.keys.listed(ACME) == []
    assert await access.keys.revoke(key.id, revocation, tenant=ACME) is None
    for tenant, rotated in ((ACME, False), (None, True)):
        changed = await access.keys.rotate(
            key.id, "0" * 64, rotation, previous_until=9.0, tenant=tenant
        )
        assert (changed is not None) == rotated
    assert [each.id for each in await access.keys.listed(None)] == [key.id]


async def test_a_change_is_recorded_for_the_tenant_of_the_key(access: SqlAccess) -> None:
    """Whoever acts is of another tenant, whose administrator must not read of this key."""
    key = await created(access, OTHER)
    change = entry(Action.KEY_ROTATED, key.id)
    assert await access.keys.rotate(key.id, "0" * 64, change, previous_until=9.0, tenant=None)
    assert await access.keys.revoke(key.id, entry(Action.KEY_REVOKED, key.id), tenant=None)
    assert await access.audit.entries(AuditFilter(tenant=ACME), limit=9) == []
    of_other = await access.audit.entries(AuditFilter(tenant=OTHER), limit=9)
    assert {(each.action, each.key_id) for each in of_other} == {
        (action, "operator")
        for action in (Action.KEY_CREATED, Action.KEY_ROTATED, Action.KEY_REVOKED)
    }


async def test_a_tenant_has_so_many_keys_and_new_ones_replace_those_that_ended(
    access: SqlAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_store, "MAX_KEYS", 3)
    first, second, third = [await created(access, at=at) for at in (1.0, 2.0, 3.0)]
    with pytest.raises(TooManyKeys):
        await created(access, at=4.0)
    assert await access.keys.listed(ACME) == [first, second, third]
    assert len(await actions(access)) == 3
    await created(access, OTHER, at=4.0)
    await access.keys.revoke(second.id, entry(Action.KEY_REVOKED, second.id), tenant=ACME)
    fourth = await created(access, at=5.0)
    assert await access.keys.listed(ACME) == [first, third, fourth]
    assert await access.keys.find(second.id) is None
