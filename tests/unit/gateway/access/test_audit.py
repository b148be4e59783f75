"""What requests do is in the audit trail before they are answered."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ServerDisconnectedError

from gateway.access.audit import Auditor
from shared.access.audit import Action, AuditEntry, AuditFilter
from shared.access.principal import Scope
from shared.access.tenant import Tenant
from shared.errors import DatabaseUnavailable, StorageUnavailable
from tests.unit.gateway.access.keys import ACME, bearer, stored_key

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway, Start

PLAYS = b"Song,Date,Number of Plays\na,2026-01-01,1\n"
RESULT = b"Song,Date,Total\na,2026-01-01,1\n"
AUDIT = "/api/v1/audit"


@pytest.fixture
async def gateway(start_gateway: Start) -> Gateway:
    """A gateway that demands keys, whose tests make jobs of one tenant."""
    gateway = await start_gateway(auth="keys")
    gateway.tenant = ACME
    return gateway


async def trail(gateway: Gateway, **wanted: Any) -> list[tuple[str, str, str | None]]:
    """Return action, object and key of what was not done to keys, the oldest first."""
    found = await gateway.jobs.access.audit.entries(AuditFilter(**wanted), limit=1000)
    return [
        (str(each.action), each.object, each.key_id)
        for each in reversed(found)
        if not each.action.startswith("key.")
    ]


async def test_jobs_and_uploads_are_recorded_with_who_created_and_ended_them(
    gateway: Gateway,
) -> None:
    key = await stored_key(gateway, Scope.UPLOAD)
    headers = bearer(key)
    response = await gateway.client.put("/api/v1/uploads?name=a.csv", data=PLAYS, headers=headers)
    job = response.headers["Csvmill-Job"].rpartition("/")[2]
    for _ in range(2):
        assert (await gateway.client.delete(f"/api/v1/jobs/{job}", headers=headers)).status == 200
    declared = await gateway.client.post(
        "/api/v1/uploads", json={"name": "b.csv", "size": 9}, headers=headers
    )
    upload = (await declared.json())["id"]
    assert (await gateway.client.delete(f"/api/v1/uploads/{upload}", headers=headers)).status == 204
    assert await trail(gateway) == [
        ("job.created", job, key.id),
        ("job.cancelled", job, key.id),
        ("upload.deleted", upload, key.id),
    ]
    (entry,) = await gateway.jobs.access.audit.entries(AuditFilter(action="job.created"), limit=9)
    assert (entry.tenant, entry.address) == ("acme", "127.0.0.1")
    assert entry.detail is not None
    assert entry.detail.endswith(f"{len(PLAYS)} bytes")


async def test_a_deletion_is_recorded_and_also_that_the_bytes_are_gone(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await gateway.finished_job(RESULT)
    key = await stored_key(gateway, Scope.UPLOAD)
    url = f"/api/v1/jobs/{job.id}"
    delete = gateway.blobs.delete

    async def away(_key: object) -> None:
        raise StorageUnavailable("storage does not answer")

    monkeypatch.setattr(gateway.blobs, "delete", away)
    assert (await gateway.client.delete(url, headers=bearer(key))).status == 503
    deleted = ("job.deleted", str(job.id), key.id)
    assert await trail(gateway) == [deleted]
    monkeypatch.setattr(gateway.blobs, "delete", delete)
    assert (await gateway.client.delete(url, headers=bearer(key))).status == 204
    assert await trail(gateway) == [deleted, ("bytes.deleted", str(job.id), key.id)]


async def test_the_deletion_of_a_result_is_recorded(gateway: Gateway) -> None:
    job = await gateway.finished_job(RESULT)
    reader, key = [await stored_key(gateway, scope) for scope in (Scope.READ, Scope.UPLOAD)]
    url = f"/api/v1/jobs/{job.id}/result"
    assert (await gateway.client.delete(url, headers=bearer(reader))).status == 403
    assert (await gateway.client.delete(url, headers=bearer(key))).status == 204
    assert await trail(gateway) == [
        ("result.deleted", str(job.id), key.id),
        ("bytes.deleted", str(job.id), key.id),
    ]


async def test_a_deletion_that_keeps_the_job_is_recorded_once(gateway: Gateway) -> None:
    key = await stored_key(gateway)
    response = await gateway.client.put(
        "/api/v1/uploads?name=a.csv", data=PLAYS, headers=bearer(key)
    )
    upload, job = (await response.json())["id"], response.headers["Csvmill-Job"][-36:]
    now = time.time()
    await gateway.jobs.claim(UUID(job), worker="worker", now=now, lease_until=now + 60)
    await gateway.jobs.fail(UUID(job), 1, "bad row", final=True, now=now)
    for status in (204, 410):
        ended = await gateway.client.delete(
            f"/api/tus/{upload}", headers={**bearer(key), "Tus-Resumable": "1.0.0"}
        )
        assert ended.status == status
    assert await trail(gateway) == [
        ("job.created", job, key.id), ("upload.deleted", upload, key.id),
    ]  # fmt: skip


async def test_a_repeated_request_that_creates_nothing_is_not_recorded(gateway: Gateway) -> None:
    key = await stored_key(gateway)
    for _ in range(2):
        response = await gateway.client.put(
            "/api/v1/uploads?name=a.csv", data=PLAYS,
            headers={**bearer(key), "Idempotency-Key": '"once"'},
        )  # fmt: skip
        assert response.status in (200, 201)
    assert [action for action, _, _ in await trail(gateway)] == ["job.created"]


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("/api/v1/jobs/{}/result", "result.downloaded"),
        ("/api/v1/jobs/{}/rejects", "rejects.downloaded"),
        ("/api/v1/jobs/{}/preview", "result.previewed"),
        ("/api/download_file/{}", "result.downloaded"),
    ],
)
async def test_a_download_is_recorded_once_however_many_ranges_it_has(
    gateway: Gateway, path: str, action: str
) -> None:
    job = await gateway.finished_job(RESULT)
    keys = [await stored_key(gateway, Scope.READ) for _ in range(2)]
    url = path.format(job.id)
    for key in keys:
        for fields in ({}, {"Range": "bytes=1-2"}, {"Range": "bytes=3-"}):
            response = await gateway.client.get(url, headers={**bearer(key), **fields})
            assert response.status in (200, 206)
    assert await trail(gateway) == [(action, str(job.id), key.id) for key in keys]


async def test_what_sends_no_byte_of_an_output_is_no_download(gateway: Gateway) -> None:
    job = await gateway.finished_job(RESULT)
    pending = await gateway.pending_job()
    key = bearer(await stored_key(gateway, Scope.READ))
    url = f"/api/v1/jobs/{job.id}/result"
    assert (await gateway.client.head(url, headers=key)).status == 200
    for fields, status in (({"If-None-Match": "*"}, 304), ({"Range": "bytes=99-"}, 416)):
        assert (await gateway.client.get(url, headers={**key, **fields})).status == status
    for asked, status in ((pending.id, 409), (uuid4(), 404)):
        response = await gateway.client.get(f"/api/v1/jobs/{asked}/result", headers=key)
        assert response.status == status
    assert (await gateway.client.get(url)).status == 401
    assert await trail(gateway) == []


async def test_a_download_by_a_link_is_recorded_with_the_key_that_made_it(
    gateway: Gateway,
) -> None:
    job = await gateway.finished_job(RESULT)
    key = await stored_key(gateway, Scope.READ)
    made = await gateway.client.post(f"/api/v1/jobs/{job.id}/links", headers=bearer(key))
    assert (await gateway.client.get((await made.json())["url"])).status == 200
    assert await trail(gateway) == [
        ("link.created", str(job.id), key.id),
        ("result.downloaded", str(job.id), key.id),
    ]
    wanted = AuditFilter(action="result.downloaded")
    (entry,) = await gateway.jobs.access.audit.entries(wanted, limit=9)
    assert entry.detail == "signed link"


async def test_nothing_is_sent_if_a_download_cannot_be_recorded(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await gateway.finished_job(RESULT)
    key = bearer(await stored_key(gateway, Scope.READ))
    record = gateway.jobs.access.audit.record

    async def away(*_entries: AuditEntry) -> None:
        raise DatabaseUnavailable("the database does not answer")

    monkeypatch.setattr(gateway.jobs.access.audit, "record", away)
    url = f"/api/v1/jobs/{job.id}/result"
    refused = await gateway.client.get(url, headers=key)
    assert (refused.status, RESULT in await refused.read()) == (503, False)
    monkeypatch.setattr(gateway.jobs.access.audit, "record", record)
    assert (await gateway.client.get(url, headers=key)).status == 200
    # The refused one is recorded too, with the next.
    assert [action for action, _, _ in await trail(gateway)] == ["result.downloaded"] * 2


async def test_an_act_of_a_request_that_fails_or_is_cut_off_is_recorded(
    start_gateway: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await start_gateway()
    job = await gateway.pending_job()

    async def broken(_key: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(gateway.blobs, "delete", broken)
    with pytest.raises(ServerDisconnectedError):
        await gateway.client.delete(f"/api/v1/jobs/{job.id}")
    assert await trail(gateway) == [("job.cancelled", str(job.id), None)]


async def test_a_setting_turns_the_trail_off(start_gateway: Start) -> None:
    gateway = await start_gateway(audit_ttl=0)
    await gateway.client.put("/api/v1/uploads?name=a.csv", data=PLAYS)
    assert await trail(gateway) == []


async def test_old_entries_are_removed(gateway: Gateway) -> None:
    audit = gateway.jobs.access.audit
    now = time.time()
    for age in range(5):
        await audit.record(AuditEntry(now - age, ACME, None, "local", Action.JOB_CREATED, str(age)))
    await Auditor(audit, ttl=2.5).remove_old(now)
    assert [of for _, of, _ in await trail(gateway)] == ["2", "1", "0"]


async def test_an_administrator_reads_the_trail_of_its_tenant_page_by_page(
    gateway: Gateway,
) -> None:
    for number in range(5):
        for tenant in (ACME, Tenant("other")):
            await gateway.jobs.access.audit.record(
                AuditEntry(100.0 + number, tenant, "k", "::1", Action.JOB_RETRIED, str(number))
            )
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    operator = bearer(await stored_key(gateway, Scope.ADMIN, is_operator=True))
    for key, expected in ((admin, ["4", "3", "2", "1", "0"]), (operator, [*"4433221100"])):
        url: str | None = f"{AUDIT}?action=job.retried&limit=2"
        found, pages = [], 0
        while url is not None:
            page = await (await gateway.client.get(url, headers=key)).json()
            found += [entry["object"] for entry in page["entries"]]
            url, pages = page["next"], pages + 1
        assert (found, pages) == (expected, -(-len(expected) // 2))
    query = "since=1970-01-01T00:01:41Z&until=1970-01-01T00:01:43Z"
    page = await (await gateway.client.get(f"{AUDIT}?{query}", headers=admin)).json()
    assert [entry["object"] for entry in page["entries"]] == ["2", "1"]
    assert UUID(page["entries"][0]["id"])
    assert page["entries"][0]["at"] == "1970-01-01T00:01:42.000Z"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=1&limit=2", "limit"),
        ("since=now", "since"),
        ("until=2026-13-01T00:00:00Z", "until"),
        ("cursor=x", "cursor"),
        ("cursor=0x1.0p+9999~3a2c5c8e-5a0f-4f6e-9a53-0d9c7a2f5b11", "cursor"),
        ("object=%00", "object"),
        ("tenant=other", "tenant"),
    ],
)
async def test_a_wrong_query_is_named(gateway: Gateway, query: str, field: str) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    response = await gateway.client.get(f"{AUDIT}?{query}", headers=admin)
    assert (response.status, (await response.json())["field"]) == (400, field)
