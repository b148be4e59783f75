"""The contracts of `AuditTrail` and `SigningSecrets`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.access.audit import Action, AuditEntry, AuditFilter
from shared.access.tenant import Tenant

if TYPE_CHECKING:
    from shared.access.store import SqlAccess

ACME, OTHER = Tenant("acme"), Tenant("other")


async def stored(access: SqlAccess, count: int = 6) -> list[AuditEntry]:
    """Store entries, two at a time; return them, the newest first."""
    entries = [
        AuditEntry(
            float(number // 2),
            (ACME, OTHER)[number % 2],
            ("k1", None)[number % 2],
            "10.0.0.1",
            (Action.JOB_CREATED, Action.JOB_CANCELLED)[number // 3],
            f"job {number % 3}",
        )
        for number in range(count)
    ]
    for entry in entries:
        await access.audit.record(entry)
    return sorted(entries, key=lambda entry: (entry.at, str(entry.id)), reverse=True)


async def test_entries_are_listed_the_newest_first_in_pages(access: SqlAccess) -> None:
    entries = await stored(access)
    pages, before = [], None
    while page := await access.audit.entries(AuditFilter(before=before), limit=4):
        pages.append(page)
        before = (page[-1].at, str(page[-1].id))
    assert [len(page) for page in pages] == [4, 2]
    assert [entry for page in pages for entry in page] == entries


async def test_entries_are_found_by_tenant_action_object_key_and_time(access: SqlAccess) -> None:
    entries = await stored(access)
    for wanted, fits in (
        (AuditFilter(tenant=ACME), lambda entry: entry.tenant == ACME),
        (AuditFilter(action="job.cancelled"), lambda entry: entry.action == "job.cancelled"),
        (AuditFilter(object="job 2"), lambda entry: entry.object == "job 2"),
        (AuditFilter(key_id="k1"), lambda entry: entry.key_id == "k1"),
        (AuditFilter(since=1.0), lambda entry: entry.at >= 1.0),
        (
            AuditFilter(tenant=OTHER, object="job 1"),
            lambda entry: (entry.tenant, entry.object) == (OTHER, "job 1"),
        ),
    ):
        found = await access.audit.entries(wanted, limit=100)
        assert found == [entry for entry in entries if fits(entry)] != []


async def test_an_entry_is_stored_once_and_with_any_text(access: SqlAccess) -> None:
    entry = AuditEntry(
        1.0, ACME, None, "::1", "of a newer version", "a\0\ud800b", detail="\u20ac" * 999
    )
    await access.audit.record(entry)
    await access.audit.record(entry)
    (found,) = await access.audit.entries(AuditFilter(), limit=9)
    assert (found.id, found.action, found.object) == (entry.id, entry.action, "a\\x00\\ud800b")
    assert found.detail is not None
    assert len(found.detail) == 500


async def test_the_oldest_entries_are_removed(access: SqlAccess) -> None:
    entries = await stored(access)
    assert await access.audit.remove_before(2.0, limit=3) == 3
    assert await access.audit.remove_before(2.0, limit=3) == 1
    assert await access.audit.remove_before(2.0, limit=3) == 0
    assert await access.audit.entries(AuditFilter(), limit=9) == entries[:2]


async def test_there_is_one_secret_also_if_gateways_ask_for_it_at_the_same_time(
    access: SqlAccess,
) -> None:
    answers = await asyncio.gather(*(access.signing.newest(now=1.0) for _ in range(5)))
    assert len({tuple(answer) for answer in answers}) == 1
    (secret,) = answers[0]
    assert len(secret) == 32


async def test_a_rotation_adds_a_secret_and_keeps_the_one_before(access: SqlAccess) -> None:
    found = [await access.signing.newest(now=1.0)]
    for at in (2.0, 3.0):
        entry = AuditEntry(at, ACME, None, "local", Action.SIGNING_ROTATED, "links")
        await access.signing.rotate(entry)
        found.append(await access.signing.newest(now=at))
    first, second, third = (answer[0] for answer in found)
    assert len({first, second, third}) == 3
    assert found[1:] == [[second, first], [third, second]]
    assert len(await access.audit.entries(AuditFilter(), limit=9)) == 2
