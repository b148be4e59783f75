"""The service below a path, behind the proxies that `deploy/proxies` configures."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote, urlsplit

import aiohttp
import pytest
from yarl import URL

from csvmill.client import AsyncClient
from tests.e2e.conftest import Standalone
from tests.interims import Connection
from tests.proxies import PROXIES, FrontProxy
from tests.stubborn import stubborn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

MISFIT = quote('{"group_by":["zzz"],"aggregates":[{"function":"count"}]}')
CSV = b"song,date,plays\na,2024-01-01,1\na,2024-01-01,2\n"
RESULT = b"Song,Date,Total Number of Plays for Date\na,2024-01-01,3\n"


class Trusting(Standalone):
    """A standalone service that believes what proxies on this machine say."""

    settings: ClassVar[Mapping[str, str]] = {"CSVMILL_TRUSTED_PROXIES": "127.0.0.0/8, ::1"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the service."""
    deployed = Trusting(tmp_path_factory.mktemp("trusting"))
    yield urlsplit(deployed.url).port or 0
    deployed.kill()


@pytest.fixture(scope="module", params=PROXIES)
def proxy(
    request: pytest.FixtureRequest, service: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FrontProxy]:
    """Each proxy before the service."""
    with FrontProxy(request.param, tmp_path_factory.mktemp(request.param), service) as started:
        yield started


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def test_every_link_leads_to_what_it_names(
    proxy: FrontProxy, session: aiohttp.ClientSession
) -> None:
    async with session.put(f"{proxy.url}/api/v1/uploads?name=plays.csv", data=CSV) as answer:
        upload = await answer.json()
        links = [answer.headers["Location"], answer.headers["Csvmill-Job"], upload["job"]]
    job = proxy.origin + upload["job"]
    async with session.get(f"{job}/events") as events:
        text = await events.text()  # until the job has ended
    state = json.loads(text.rpartition("data: ")[2])
    async with session.post(f"{job}/links") as answer:
        links += [state["result"], answer.headers["Location"], (await answer.json())["url"]]
    async with session.put(f"{proxy.url}/api/v1/uploads?name=plays.csv", data=CSV) as answer:
        assert answer.status == 201
    async with session.get(f"{proxy.url}/api/v1/jobs?limit=1") as answer:
        links.append((await answer.json())["next"])
    for link in links:
        assert link.startswith("/csv/api/v1/")
        async with session.get(proxy.origin + link) as answer:
            assert answer.status == 200, (link, await answer.text())
    async with session.get(proxy.origin + state["result"]) as answer:
        assert await answer.read() == RESULT
    async with session.get(f"{proxy.url}/openapi.json") as answer:
        (server,) = (await answer.json())["servers"]
    async with session.get(f"{proxy.origin}{server['url']}/api/v1/jobs") as answer:
        assert answer.status == 200


async def test_tus_answers_the_url_at_which_the_client_goes_on(
    proxy: FrontProxy, session: aiohttp.ClientSession
) -> None:
    version = {"Tus-Resumable": "1.0.0"}
    declared = {**version, "Upload-Length": str(len(CSV))}
    async with session.post(f"{proxy.url}/api/tus/", headers=declared) as answer:
        url = answer.headers["Location"]
    assert url.startswith(f"{proxy.url}/api/tus/")
    sent = {**version, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    async with session.patch(url, data=CSV, headers=sent) as answer:
        assert (answer.status, answer.headers["Upload-Offset"]) == (204, str(len(CSV)))
        assert answer.headers["Csvmill-Job"].startswith("/csv/api/v1/jobs/")


async def test_our_client_works_below_a_path(
    proxy: FrontProxy, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    source = tmp_path / "plays.csv"
    source.write_bytes(CSV)
    async with AsyncClient(proxy.url) as client:
        job_id = await client.upload(source)
        await client.wait(job_id)
        await client.download(job_id, tmp_path / "result.csv")
        link = await client.link(job_id)
        jobs = [job.id async for job in client.jobs(page_size=1)]
    assert (tmp_path / "result.csv").read_bytes() == RESULT
    assert job_id in jobs
    assert len(jobs) > 1
    async with session.get(link) as answer:
        assert await answer.read() == RESULT


@pytest.fixture(scope="module")
def plain(service: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontProxy]:
    """nginx with its defaults before the service."""
    with FrontProxy("nginx", tmp_path_factory.mktemp("plain"), service, plain=True) as started:
        yield started


@pytest.fixture(params=[*PROXIES, "plain"])
def any_proxy(request: pytest.FixtureRequest, service: int, tmp_path: Path) -> Iterator[FrontProxy]:
    """Each proxy, and nginx with its defaults."""
    plain = request.param == "plain"
    name = "nginx" if plain else request.param
    with FrontProxy(name, tmp_path / "proxy", service, plain=plain) as started:
        yield started


async def test_events_are_sent_while_the_job_waits_for_its_end(
    any_proxy: FrontProxy, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """The first event of a job comes before the job ends, and comments while nothing happens."""
    spec = {"aggregates": [{"function": "count"}]}
    async with session.post(
        f"{any_proxy.url}/api/v1/uploads?spec={quote(json.dumps(spec))}",
        json={"name": "a.csv", "size": len(CSV)},
    ) as answer:
        upload = (await answer.json())["id"]
    async with session.put(f"{any_proxy.url}/api/v1/uploads/{upload}/chunks/0", data=CSV) as answer:
        job = (await answer.json())["job"]
    async with session.get(any_proxy.origin + job + "/events") as events:
        assert events.headers["Content-Type"].startswith("text/event-stream")
        assert "Content-Encoding" not in events.headers
        assert (await events.content.readline()).startswith(b"retry:")


@pytest.mark.parametrize("slow", [True, False])
async def test_doctor_tells_of_a_proxy_that_holds_requests_back(
    plain: FrontProxy, service: int, slow: bool
) -> None:
    async with AsyncClient(plain.url if slow else f"http://127.0.0.1:{service}") as client:
        assert await client.early_status(64 << 10) == (None if slow else 400)
        assert await client.early_status(8 << 20) == (413 if slow else 400)


async def test_doctor_finds_nothing_about_the_proxies_that_we_configure(proxy: FrontProxy) -> None:
    async with AsyncClient(proxy.url) as client:
        assert await client.early_status(64 << 10) == 400
        assert await client.early_status(8 << 20) == 400


async def test_names_arrive_as_they_were_written(
    proxy: FrontProxy, session: aiohttp.ClientSession
) -> None:
    key = {"Idempotency-Key": '"a/b?c%2F d"'}
    async with session.post(
        f"{proxy.url}/api/v1/uploads", json={"name": "a.csv", "size": 3}, headers=key
    ) as answer:
        upload = await answer.json()
    url = URL(f"{proxy.url}/api/v1/uploads/a%2Fb%3Fc%252F%20d", encoded=True)
    async with session.get(url) as answer:
        assert (await answer.json())["id"] == upload["id"]


async def test_the_progress_of_an_append_is_told_where_the_proxy_passes_it_on(
    proxy: FrontProxy,
) -> None:
    fields = {
        "Upload-Draft-Interop-Version": "8",
        "Upload-Complete": "?0",
        "Content-Length": "3",
    }
    async with Connection(("127.0.0.1", proxy.port)) as connection:
        line = f"POST {proxy.prefix}/api/v1/uploads?name=a.csv"
        await connection.send(line, fields, b"a,b")
        answer = await connection.answer()
        # nginx would take a 104 for the answer, and the client would wait for its body.
        locations = [each["Location"] for each in connection.interims]
    assert answer.status == 201
    assert locations == ([answer.headers["Location"]] if proxy.name == "haproxy" else [])


@pytest.mark.parametrize(
    ("query", "field", "status"),
    [
        ("name=a.csv", "Content-Encoding: gzip", 415),
        ("name=", "Accept: */*", 400),
        (f"name=a.csv&spec={MISFIT}", "Accept: */*", 422),
    ],
)
async def test_a_client_that_sends_on_reads_why_it_was_refused(
    proxy: FrontProxy, query: str, field: str, status: int
) -> None:
    head = f"PUT {proxy.prefix}/api/v1/uploads?{query} HTTP/1.1\r\n{field}"
    for size in (20_000_000, 60_000_000):
        answer = await asyncio.to_thread(stubborn, ("127.0.0.1", proxy.port), head, size)
        assert answer.split()[1] == str(status).encode(), answer[:400]
