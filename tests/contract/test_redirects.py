"""Downloads that are redirected to object storage, over a real server of it."""

from __future__ import annotations

import asyncio
import hashlib
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from csvmill.client import AsyncClient, downloading, redirected
from csvmill.client.errors import ClientError, Refused
from gateway.app import build_app
from gateway.settings import GatewaySettings
from shared.access.audit import Action, AuditFilter
from shared.access.principal import Scope
from shared.blobs.client import HttpBlobs
from shared.bus.in_process import InProcessBus
from shared.jobs.store import open_job_store
from shared.ports import Ports
from tests.blob_backends import TOKEN, filesystem_blobs, object_storage, s3_blobs, storage_server
from tests.object_front import ObjectFront
from tests.services import until
from tests.unit.gateway.access.keys import ACME, bearer, stored_key
from tests.unit.gateway.conftest import Gateway, RecordingBus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from aiohttp import ClientResponse

    from shared.jobs.job import Job

KIB = 1 << 10
CONTENT = random.Random(18).randbytes(300 * KIB)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
REJECTS = b"line,offset,column,reason,record\n2,3,4,x,y\n"
NAME = "Plays in Łódź.csv"
LIFE = 600


@dataclass
class Redirecting:
    """A gateway that demands keys and redirects downloads, and the address of object storage."""

    gateway: Gateway
    front: ObjectFront
    key: str
    job: Job

    @property
    def url(self) -> str:
        return str(self.gateway.client.make_url("")).rstrip("/")

    @property
    def path(self) -> str:
        return f"/api/v1/jobs/{self.job.id}/result"

    async def ask(
        self, path: str, fields: Mapping[str, str] | None = None, method: str = "GET"
    ) -> ClientResponse:
        """Send a request with the key, and follow no redirection."""
        headers = {"Accept-Encoding": "identity", **bearer(self.key), **(fields or {})}
        return await self.gateway.client.request(
            method, path, headers=headers, allow_redirects=False
        )


@pytest.fixture
async def front() -> AsyncIterator[ObjectFront]:
    async with ObjectFront().to(cast("int", URL(object_storage().url).port)) as opened:
        yield opened


@pytest.fixture
def keeps() -> str:
    """Where storage keeps blobs."""
    return "s3"


@pytest.fixture
async def service(
    request: pytest.FixtureRequest, tmp_path: Path, front: ObjectFront, keeps: str
) -> AsyncIterator[Redirecting]:
    """A gateway, storage as a service, and a job with a result and rejects."""
    changed: dict[str, Any] = getattr(request, "param", {})
    async with AsyncExitStack() as stack:
        kept = await stack.enter_async_context(
            s3_blobs(tmp_path / "kept", blobs_public_endpoint=front.url)
            if keeps == "s3"
            else filesystem_blobs(tmp_path / "kept")
        )
        storage = await stack.enter_async_context(storage_server(tmp_path, kept))
        blobs = await stack.enter_async_context(HttpBlobs(storage, TOKEN))
        jobs = await stack.enter_async_context(open_job_store(f"sqlite:///{tmp_path}/jobs.db"))
        bus = RecordingBus(await stack.enter_async_context(InProcessBus()))
        settings = {"auth": "keys", "download_redirect": True, "download_redirect_life": LIFE}
        app = build_app(
            GatewaySettings.model_validate({**settings, **changed}), Ports(blobs, jobs, bus)
        )
        client = await stack.enter_async_context(TestClient(TestServer(app)))
        gateway = Gateway(client, cast("Any", blobs), jobs, bus, tenant=ACME)
        key = await stored_key(gateway, Scope.READ)
        job = await gateway.finished_job(CONTENT, filename=NAME, rejects=REJECTS)
        yield Redirecting(gateway, front, key.text, job)


async def test_a_download_is_redirected_to_a_url_of_object_storage(service: Redirecting) -> None:
    answer = await service.ask(service.path)
    assert (answer.status, await answer.read()) == (307, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    location = answer.headers["Location"]
    assert location.startswith(f"{service.front.url}/tests/blobs/")
    assert parse_qs(urlsplit(location).query)["X-Amz-Expires"] == [str(LIFE)]
    async with aiohttp.ClientSession() as anybody:
        there = await anybody.get(URL(location, encoded=True))
        assert (there.status, await there.read()) == (200, CONTENT)
        here = await service.ask(service.path, method="HEAD")
        for name in ("Content-Type", "Content-Disposition", "Content-Length"):
            assert there.headers[name] == here.headers[name]
        part = await anybody.get(URL(location, encoded=True), headers={"Range": "bytes=5-9"})
        assert await part.read() == CONTENT[5:10]
    assert service.front.heads[0]["host"] == f"127.0.0.1:{service.front.port}"
    assert here.headers["ETag"] == f'"{SHA256}"'


async def test_rejects_and_ranges_and_signed_links_are_redirected_too(
    service: Redirecting,
) -> None:
    made = await service.gateway.client.post(
        f"/api/v1/jobs/{service.job.id}/links", headers=bearer(service.key)
    )
    link = (await made.json())["url"]
    for path, fields in (
        (f"/api/v1/jobs/{service.job.id}/rejects", {}),
        (service.path, {"Range": "bytes=5-"}),
        (service.path, {"Range": "bytes=-5"}),
        (service.path, {"Sec-Fetch-Mode": "navigate", "Accept-Encoding": "gzip"}),
    ):
        assert (await service.ask(path, fields)).status == 307, (path, fields)
    by_link = await service.gateway.client.get(
        link, headers={"Accept-Encoding": "identity"}, allow_redirects=False
    )
    assert by_link.status == 307
    assert link.partition("signature=")[2] not in by_link.headers["Location"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"If-Match": f'"{SHA256}"'}, 200),
        ({"If-None-Match": '"another"'}, 200),
        ({"If-None-Match": f'"{SHA256}"'}, 304),
        ({"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}, 200),
        ({"If-Range": f'"{SHA256}"', "Range": "bytes=5-9"}, 206),
        ({"Range": "bytes=5-9,20-29"}, 206),
        ({"Range": "bytes=5-9,10-29"}, 206),
        ({"Range": "lines=5-9"}, 200),
        ({"Range": f"bytes={len(CONTENT)}-"}, 416),
        ({"Accept-Encoding": "gzip"}, 200),
        ({"Want-Content-Digest": "sha-256=1", "Range": "bytes=5-9"}, 206),
        ({"Sec-Fetch-Mode": "cors"}, 200),
    ],
)
async def test_what_object_storage_would_answer_differently_is_answered_by_the_gateway(
    service: Redirecting, fields: dict[str, str], status: int
) -> None:
    answer = await service.ask(service.path, fields)
    await answer.read()
    assert answer.status == status
    assert service.front.heads == []


async def test_the_first_clients_are_not_redirected(service: Redirecting) -> None:
    answer = await service.ask(f"/api/download_file/{service.job.id}")
    assert (answer.status, await answer.read()) == (200, CONTENT)


@pytest.mark.parametrize("service", [{"download_redirect": False}], indirect=True)
async def test_without_the_setting_nothing_is_redirected(service: Redirecting) -> None:
    answer = await service.ask(service.path)
    assert (answer.status, await answer.read()) == (200, CONTENT)


@pytest.mark.parametrize("keeps", ["folder"])
async def test_blobs_in_a_folder_are_sent_by_the_gateway(service: Redirecting) -> None:
    answer = await service.ask(service.path)
    assert (answer.status, await answer.read()) == (200, CONTENT)


async def test_access_is_checked_and_recorded_before_the_redirection(
    service: Redirecting,
) -> None:
    stranger = await stored_key(service.gateway, tenant="another")
    for headers, status in ((bearer(stranger), 404), ({}, 401)):
        refused = await service.gateway.client.get(
            service.path, headers=headers, allow_redirects=False
        )
        assert (refused.status, refused.headers.get("Location")) == (status, None)
    assert (await service.ask(service.path)).status == 307
    entries = await service.gateway.jobs.access.audit.entries(
        AuditFilter(action=Action.RESULT_DOWNLOADED), limit=10
    )
    assert [(entry.object, entry.tenant) for entry in entries] == [(str(service.job.id), ACME)]


@pytest.mark.parametrize("service", [{"max_tenant_downloads": 1}], indirect=True)
async def test_a_redirected_download_takes_no_place_of_those_in_progress(
    service: Redirecting,
) -> None:
    assert [(await service.ask(service.path)).status for _ in range(3)] == [307] * 3


async def test_a_lost_result_is_said_to_be_lost(service: Redirecting) -> None:
    assert service.job.result is not None
    await service.gateway.blobs.delete(service.job.result.key)
    answer = await service.ask(service.path)
    assert answer.status == 500
    assert "is lost" in (await answer.json())["detail"]


async def test_the_client_follows_without_its_key_and_resumes(
    service: Redirecting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "PART_SIZE", 100 * KIB)
    service.front.break_after = 50 * KIB
    async with AsyncClient(service.url, api_key=service.key) as client:
        view = await client.download(str(service.job.id), tmp_path / "result", parallel=1)
        rejects = tmp_path / "rejects"
        await client.download_rejects(str(service.job.id), rejects)
    assert (tmp_path / "result").read_bytes() == CONTENT
    assert (view.size, view.sha256) == (len(CONTENT), SHA256)
    assert rejects.read_bytes() == REJECTS
    # Object storage also answers 400 to a request with two signatures.
    assert {name for head in service.front.heads for name in head} <= {
        "host", "range", "accept", "accept-encoding", "user-agent",
    }  # fmt: skip
    ranges = [head["range"] for head in service.front.heads]
    assert len(ranges) == 5  # three parts, one of which was continued, and the rejects
    assert ranges[0] == f"bytes=0-{100 * KIB - 1}"
    assert ranges[1].endswith(f"-{100 * KIB - 1}")
    assert ranges[1] != ranges[0]


@pytest.mark.parametrize("service", [{"download_redirect_life": 1}], indirect=True)
async def test_the_client_asks_again_if_the_url_has_expired(
    service: Redirecting, tmp_path: Path
) -> None:
    service.front.held = held = asyncio.Event()
    # Signed in the same second as the one that waits, or earlier.
    location = (await service.ask(service.path)).headers["Location"]
    async with (
        AsyncClient(service.url, api_key=service.key) as client,
        aiohttp.ClientSession() as s,
    ):
        download = asyncio.create_task(
            client.download(str(service.job.id), tmp_path / "result", parallel=1)
        )
        await service.front.waiting.wait()
        location = (await service.ask(service.path)).headers["Location"]

        async def is_refused() -> bool:
            async with s.get(URL(location, encoded=True)) as answer:
                return answer.status >= 400

        await until(is_refused, 30)
        asked = len(service.front.heads)
        held.set()
        await download
    assert (tmp_path / "result").read_bytes() == CONTENT
    assert len(service.front.heads) == asked + 1


@pytest.mark.parametrize(
    ("location", "error"),
    [("http://files.example/x", ClientError), ("ftp://files.example/x", Refused)],
)
async def test_the_client_refuses_urls_that_are_less_safe_than_the_server(
    location: str, error: type[Exception]
) -> None:
    transport = cast("Any", type("Secure", (), {"server": "https://csvmill.example"}))
    with pytest.raises(error, match="redirects"):
        redirected._location(transport, "/result", location)
