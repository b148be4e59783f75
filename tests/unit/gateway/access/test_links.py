"""Signed links: one output of one job, without a key, until they expire."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.access.links import Claim, Links
from shared.access.audit import Action, AuditEntry
from shared.access.principal import Scope
from shared.errors import NotAuthenticated
from tests.unit.gateway.access.keys import ACME, bearer, note, stored_key

if TYPE_CHECKING:
    from shared.access.keys import KeyText
    from shared.jobs.job import Job
    from tests.unit.gateway.conftest import Gateway, Start

CONTENT = b"Song,Total\na,3\n"


@pytest.fixture
async def gateway(start_gateway: Start) -> Gateway:
    """A gateway that demands keys."""
    gateway = await start_gateway(auth="keys", key_cache=0)
    gateway.tenant = ACME
    return gateway


async def link_of(
    gateway: Gateway, job: Job, key: KeyText, status: int = 201, **fields: Any
) -> dict[str, Any]:
    response = await gateway.client.post(
        f"/api/v1/jobs/{job.id}/links", json=fields, headers=bearer(key)
    )
    answer: dict[str, Any] = await response.json()
    assert response.status == status, answer
    return answer


async def test_a_link_downloads_one_output_whole_and_in_ranges(gateway: Gateway) -> None:
    job = await gateway.finished_job(CONTENT, rejects=b"line\n")
    reader = await stored_key(gateway, Scope.READ)
    link = await link_of(gateway, job, reader)
    whole = await gateway.client.get(link["url"])
    assert (whole.status, await whole.read()) == (200, CONTENT)
    part = await gateway.client.get(link["url"], headers={"Range": "bytes=5-9"})
    assert (part.status, await part.read()) == (206, CONTENT[5:10])
    assert (await gateway.client.head(link["url"])).status == 200
    rejects = await link_of(gateway, job, reader, output="rejects")
    assert await (await gateway.client.get(rejects["url"])).read() == b"line\n"
    assert "csvmill_" not in link["url"]
    query = parse_qs(urlsplit(link["url"]).query)
    assert query["key"] == [reader.id]


async def test_a_link_is_for_nothing_else(gateway: Gateway) -> None:
    job = await gateway.finished_job(CONTENT)
    other = await gateway.finished_job(CONTENT)
    link = (await link_of(gateway, job, await stored_key(gateway, Scope.READ)))["url"]
    query = urlsplit(link).query
    later = parse_qs(query)["expires"][0]
    for method, url in (
        ("GET", f"/api/v1/jobs/{job.id}/rejects?{query}"),
        ("GET", f"/api/v1/jobs/{other.id}/result?{query}"),
        ("GET", f"/api/v1/jobs/{job.id}/preview?{query}"),
        ("GET", f"/api/v1/jobs/{job.id}?{query}"),
        ("DELETE", f"/api/v1/jobs/{job.id}?{query}"),
        ("POST", f"/api/v1/jobs/{job.id}/links?{query}"),
        ("GET", f"/api/download_file/{job.id}?{query}"),
        ("GET", link.replace(later, str(int(later) + 1))),
        ("GET", link[:-1] + ("A" if link[-1] != "A" else "B")),
        ("GET", link.partition("&signature")[0] + "&signature=%C3%A9"),
        ("GET", link.partition("?")[0] + "?signature="),
        ("GET", link.replace("key=", "key=x")),
        ("GET", link.replace("expires=", "expires=x")),
    ):
        assert (await gateway.client.request(method, url)).status == 401, url


async def test_a_link_ends_with_its_key_and_its_time(gateway: Gateway) -> None:
    job = await gateway.finished_job(CONTENT)
    key = await stored_key(gateway, Scope.READ)
    link = await link_of(gateway, job, key, expires_in=1)
    longer = await link_of(gateway, job, key, expires_in=600)
    assert (await gateway.client.get(link["url"])).status == 200
    assert (await gateway.client.get(longer["url"])).status == 200
    expired = Claim(f"/api/v1/jobs/{job.id}/result", int(time.time()) - 1, key.id)
    signed = await Links(gateway.jobs.access.signing).sign(expired)
    assert (await gateway.client.get(signed)).status == 401
    await gateway.jobs.access.keys.revoke(key.id, note(Action.KEY_REVOKED, key.id), tenant=None)
    assert (await gateway.client.get(longer["url"])).status == 401


async def test_only_the_tenant_of_a_job_makes_links_to_it(gateway: Gateway) -> None:
    job = await gateway.finished_job(CONTENT)
    other = await stored_key(gateway, tenant="other")
    await link_of(gateway, job, other, 404)
    # Even a signed claim of another tenant's key finds nothing.
    claim = Claim(f"/api/v1/jobs/{job.id}/result", int(time.time()) + 60, other.id)
    signed = await Links(gateway.jobs.access.signing).sign(claim)
    assert (await gateway.client.get(signed)).status == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"output": "preview"}, "output"),
        ({"output": ["result"]}, "output"),
        ({"output": ""}, "output"),
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": 604_801}, "expires_in"),
        ({"expires_in": "1"}, "expires_in"),
        ({"more": 1}, "more"),
    ],
)
async def test_a_wrong_field_is_named(gateway: Gateway, fields: dict[str, Any], field: str) -> None:
    job = await gateway.finished_job(CONTENT)
    answer = await link_of(gateway, job, await stored_key(gateway), 400, **fields)
    assert answer["field"] == field


async def test_the_longest_life_of_a_link_is_a_setting(start_gateway: Start) -> None:
    gateway = await start_gateway(auth="keys", max_link_life=60)
    gateway.tenant = ACME
    job = await gateway.finished_job(CONTENT)
    key = await stored_key(gateway)
    assert (
        "CSVMILL_MAX_LINK_LIFE" in (await link_of(gateway, job, key, 400, expires_in=61))["detail"]
    )
    await link_of(gateway, job, key)


async def test_every_gateway_checks_the_links_of_all_and_rotations_are_seen(
    gateway: Gateway,
) -> None:
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    clock = Clock()
    store = gateway.jobs.access.signing
    first, second = Links(store, clock), Links(store, clock)
    claim = Claim("/x", int(time.time()) + 600, "k")

    def query(url: str) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}

    old = query(await first.sign(claim))
    assert await second.check("/x", old) == claim
    await store.rotate(AuditEntry(time.time(), ACME, None, "local", Action.SIGNING_ROTATED, "x"))
    clock.now = 61.0
    new = query(await first.sign(claim))
    assert new["signature"] != old["signature"]
    third = Links(store, clock)
    for links in (first, second, third):
        assert await links.check("/x", new) == claim
        assert await links.check("/x", old) == claim
    await store.rotate(AuditEntry(time.time(), ACME, None, "local", Action.SIGNING_ROTATED, "x"))
    clock.now = 200.0
    with pytest.raises(NotAuthenticated):
        await second.check("/x", old)
    assert await second.check("/x", new) == claim


async def test_the_first_requests_at_the_same_time_ask_once_for_the_secret(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them wait for it: a link is neither refused, nor signed with nothing."""
    store, asked = gateway.jobs.access.signing, []
    newest = store.newest

    async def slow(*, now: float) -> list[bytes]:
        asked.append(now)
        await asyncio.sleep(0.01)
        return await newest(now=now)

    claim = Claim("/x", int(time.time()) + 600, "k")
    signed = await Links(store).sign(claim)
    query = {name: values[0] for name, values in parse_qs(urlsplit(signed).query).items()}
    monkeypatch.setattr(store, "newest", slow)
    links = Links(store)
    assert await asyncio.gather(*(links.sign(claim) for _ in range(3))) == [signed] * 3
    other = Links(store)
    assert await asyncio.gather(*(other.check("/x", query) for _ in range(3))) == [claim] * 3
    assert len(asked) == 2


async def test_two_rotations_end_links_within_seconds_on_every_gateway(gateway: Gateway) -> None:
    now = [0.0]
    store = gateway.jobs.access.signing
    links = Links(store, lambda: now[0])
    claim = Claim("/x", int(time.time()) + 600, "k")
    signed = await links.sign(claim)
    query = {name: values[0] for name, values in parse_qs(urlsplit(signed).query).items()}
    for _ in range(2):
        entry = AuditEntry(time.time(), ACME, None, "local", Action.SIGNING_ROTATED, "x")
        await store.rotate(entry)
    now[0] = 5.0
    with pytest.raises(NotAuthenticated):
        await links.check("/x", query)


async def test_a_service_without_keys_makes_links_that_its_url_answers(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway()
    job = await gateway.finished_job(CONTENT)
    response = await gateway.client.post(f"/api/v1/jobs/{job.id}/links")
    link = (await response.json())["url"]
    assert response.headers["Location"] == link
    assert await (await gateway.client.get(link)).read() == CONTENT
