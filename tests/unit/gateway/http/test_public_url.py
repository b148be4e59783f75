"""Links in answers, as the client reaches the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import ClientResponse

    from tests.unit.gateway.conftest import Gateway, Start

CSV = b"song,date,plays\na,2024-01-01,1\n"
TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": "3"}
ROUTES = ("/api/", "/csv/api/")


async def everything(gateway: Gateway, **headers: str) -> list[ClientResponse]:
    """Return the answers that have links, of every protocol."""
    call = gateway.client.request
    named = {"Content-Disposition": 'attachment; filename="a.csv"'}
    ietf = {"Upload-Draft-Interop-Version": "8", "Upload-Complete": "?1", **named}
    tus_file = {**TUS, "Content-Type": "application/offset+octet-stream"}
    answers = [
        await call("POST", "/api/v1/uploads", json={"name": "a.csv", "size": 3}, headers=headers),
        await call("PUT", "/api/v1/uploads?name=a.csv", data=CSV, headers=headers),
        await call("PUT", "/api/v1/uploads", data=CSV, headers={**ietf, **headers}),
        await call("POST", "/api/tus/", data=b"a,b", headers={**tus_file, **headers}),
    ]
    job = await gateway.finished_job(b"song,plays\n")
    answers += [
        await call("POST", f"/api/v1/jobs/{job.id}/links", headers=headers),
        await call("GET", f"/api/v1/jobs/{job.id}/events", headers=headers),
        await call("GET", "/api/v1/jobs?limit=1", headers=headers),
    ]
    return answers


async def links(answers: list[ClientResponse]) -> list[str]:
    """Return every link in header fields and JSON of answers."""
    found: list[str] = []
    for answer in answers:
        assert answer.status < 300, (answer.url, await answer.text())
        found += [
            value.strip("<").partition(">")[0]
            for name, value in answer.headers.items()
            if name in ("Location", "Csvmill-Job", "Link")
        ]
        text = await answer.text()
        lines = [line for line in text.splitlines() if line.startswith("data:")]
        for each in lines or [text] * bool(text):
            found += _texts(json.loads(each.removeprefix("data:")))
    return [link for link in found if any(route in link for route in ROUTES)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


async def test_without_a_proxy_links_are_paths_and_tus_answers_a_url(gateway: Gateway) -> None:
    found = await links(await everything(gateway))
    root = str(gateway.client.make_url("/"))
    (url,) = [link for link in found if "/api/tus/" in link]
    assert url.startswith(f"{root}api/tus/")
    found.remove(url)
    assert all(link.startswith("/api/v1/") for link in found)
    assert len(found) == 13


@pytest.mark.parametrize("public", ["https://mill.example/csv", "https://mill.example/csv/"])
async def test_links_begin_with_the_path_of_the_public_url(
    start_gateway: Start, public: str
) -> None:
    gateway = await start_gateway(public_url=public)
    # A client that says another one is not believed
    claims = {"X-Forwarded-Prefix": "/other", "X-Forwarded-Host": "evil.example"}
    found = await links(await everything(gateway, **claims))
    (url,) = [link for link in found if "/api/tus/" in link]
    assert url.startswith("https://mill.example/csv/api/tus/")
    found.remove(url)
    assert all(link.startswith("/csv/api/v1/") for link in found)
    assert len(found) == 13
    document = await (await gateway.client.get("/openapi.json")).json()
    assert document["servers"] == [{"url": "/csv"}]


async def test_a_trusted_proxy_states_the_prefix(start_gateway: Start) -> None:
    gateway = await start_gateway(trusted_proxies="127.0.0.1", allowed_hosts="mill.example")
    said = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "mill.example",
        "X-Forwarded-Prefix": "/csv",
    }
    found = await links(await everything(gateway, **said))
    (url,) = [link for link in found if "/api/tus/" in link]
    assert url.startswith("https://mill.example/csv/api/tus/")
    found.remove(url)
    assert all(link.startswith("/csv/api/v1/") for link in found)
    # The answer of one client says nothing to the next
    document = await gateway.client.get("/openapi.json", headers=said)
    assert (await document.json())["servers"] == [{"url": "/csv"}]
    assert (await (await gateway.client.get("/openapi.json")).json())["servers"] == [{"url": "/"}]


async def test_an_unknown_proxy_is_not_believed_and_the_scheme_is_not_guessed(
    gateway: Gateway,
) -> None:
    said = {"X-Forwarded-Prefix": "/csv", "X-Forwarded-Proto": "https"}
    found = await links(await everything(gateway, **said))
    assert all(link.startswith("/api/") for link in found)
    for sign in ({"Via": "1.1 x"}, {"X-Forwarded-For": "1.2.3.4"}):
        answer = await gateway.client.post("/api/tus/", headers={**TUS, **sign})
        assert answer.headers["Location"].startswith("/api/tus/")


async def test_the_page_of_a_service_knows_its_scheme(gateway: Gateway) -> None:
    authority = f"{gateway.client.host}:{gateway.client.port}"
    answer = await gateway.client.post(
        "/api/tus/", headers={**TUS, "Via": "1.1 x", "Origin": f"https://{authority}"}
    )
    assert answer.headers["Location"].startswith(f"https://{authority}/api/tus/")


async def test_a_name_that_a_proxy_states_is_checked_too(start_gateway: Start) -> None:
    gateway = await start_gateway(trusted_proxies="127.0.0.1", allowed_hosts="mill.example")
    for host, status in (("mill.example", 200), ("evil.example", 421)):
        answer = await gateway.client.get("/api/v1/jobs", headers={"X-Forwarded-Host": host})
        assert answer.status == status


async def test_pages_of_the_public_url_are_the_services_own(start_gateway: Start) -> None:
    gateway = await start_gateway(public_url="https://mill.example/csv")
    upload = {"name": "a.csv", "size": 3}
    for origin, status in (("https://mill.example", 201), ("https://evil.example", 403)):
        answer = await gateway.client.post(
            "/api/v1/uploads", json=upload, headers={"Origin": origin}
        )
        assert answer.status == status
        assert "Access-Control-Allow-Origin" not in answer.headers
    # And those of the host that a trusted proxy states
    gateway = await start_gateway(
        folder="second", trusted_proxies="127.0.0.1", allowed_hosts="mill.example"
    )
    answer = await gateway.client.post(
        "/api/v1/uploads",
        json=upload,
        headers={"Origin": "https://mill.example", "X-Forwarded-Host": "mill.example"},
    )
    assert answer.status == 201


async def test_parts_are_concatenated_by_the_urls_that_the_client_knows(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(public_url="https://mill.example/csv")
    urls = []
    for part in (b"song,date,plays\n", b"a,2024-01-01,1\n"):
        answer = await gateway.client.post(
            "/api/tus/",
            data=part,
            headers={
                "Tus-Resumable": "1.0.0",
                "Upload-Length": str(len(part)),
                "Upload-Concat": "partial",
                "Content-Type": "application/offset+octet-stream",
            },
        )
        urls.append(answer.headers["Location"])
    answer = await gateway.client.post(
        "/api/tus/", headers={"Tus-Resumable": "1.0.0", "Upload-Concat": f"final;{' '.join(urls)}"}
    )
    assert answer.status == 201
    assert answer.headers["Csvmill-Job"].startswith("/csv/api/v1/jobs/")


@pytest.mark.parametrize(
    "url",
    [
        "mill.example",
        "ftp://mill.example",
        "https://",
        "https://a@b",
        "https://a/x?y",
        "http://a//b",
    ],
)
def test_a_public_url_is_a_url(url: str) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings.model_validate({"public_url": url})


def test_an_empty_public_url_is_none() -> None:
    assert GatewaySettings.model_validate({"public_url": ""}).public_url is None
