"""Which hosts a service answers to, and which pages may change something."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gateway.access.origins import Origins
from shared.errors import OriginRefused, UnknownHost
from shared.http.hosts import is_loopback
from tests.interims import Connection

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway, Start

PAGE = "https://page.example"
LOCAL = Origins.of("127.0.0.1", ["Mill.example", "*.below.example"], [PAGE])
PUBLIC = Origins.of("0.0.0.0", ["mill.example"], [])  # noqa: S104


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "LOCALHOST.", "127.0.0.1:1", "[::1]:8000", "[::1]",
     "mill.example", "MILL.example:443", "a.below.example", "a.b.below.example:1"],
)  # fmt: skip
def test_a_local_service_answers_to_names_of_this_machine_and_to_listed_ones(host: str) -> None:
    LOCAL.check("GET", "/", {"Host": host})


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "evil.example:8000", "10.0.0.1", "below.example",
     "notbelow.example", "127.0.0.1.evil.example", "user@localhost.evil.example", "localhost:x:y[",
     "[::2]"],
)  # fmt: skip
def test_a_local_service_answers_to_no_other_name(host: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        with pytest.raises(UnknownHost):
            LOCAL.check(method, "/api/v1/jobs", {"Host": host})


def test_a_service_on_another_address_also_answers_to_every_address() -> None:
    for host in ("10.1.2.3:8000", "[fd00::1]:8000", "localhost:8000", "mill.example"):
        PUBLIC.check("GET", "/metrics", {"Host": host})
    with pytest.raises(UnknownHost):
        PUBLIC.check("GET", "/metrics", {"Host": "evil.example"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_shown_under_every_name(path: str) -> None:
    LOCAL.check("GET", path, {"Host": "evil.example"})


def test_a_request_without_a_host_is_from_no_browser() -> None:
    LOCAL.check("POST", "/api/v1/uploads", {})


def test_a_star_is_every_name_and_every_page() -> None:
    origins = Origins.of("127.0.0.1", ["*"], ["*"])
    origins.check("DELETE", "/", {"Host": "evil.example", "Origin": "https://evil.example"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": PAGE, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost:8000"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_its_own_pages_listed_pages_and_programs_may_write(headers: dict[str, str]) -> None:
    LOCAL.check("POST", "/api/upload_file", {"Host": "localhost:8000", **headers})


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "http://page.example"},
        {"Origin": "http://[localhost:8000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "something new"},
    ],
)
@pytest.mark.parametrize("method", ["DELETE", "PATCH", "POST", "PUT", "UNKNOWN"])
def test_other_pages_may_not_write(method: str, headers: dict[str, str]) -> None:
    with pytest.raises(OriginRefused):
        LOCAL.check(method, "/api/upload_file", {"Host": "localhost:8000", **headers})
    LOCAL.check("GET", "/api/v1/jobs", {"Host": "localhost:8000", **headers})


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_pages_load_nothing_in_the_background_and_users_follow_links(
    method: str, site: str
) -> None:
    path = "/api/v1/jobs/1/events"
    headers = {"Host": "localhost:8000", "Sec-Fetch-Site": site}
    for mode in ("no-cors", "cors", "websocket"):
        embedded = {**headers, "Sec-Fetch-Mode": mode}
        with pytest.raises(OriginRefused):
            LOCAL.check(method, path, embedded)
        with pytest.raises(OriginRefused):
            LOCAL.check(method, path, {**embedded, "Origin": "https://evil.example"})
        LOCAL.check(method, path, {**embedded, "Origin": PAGE})
        LOCAL.check(method, path, {**embedded, "Sec-Fetch-Site": "same-origin"})
        LOCAL.check(method, "/healthz", embedded)
        LOCAL.check("OPTIONS", path, embedded)
    LOCAL.check(method, path, {**headers, "Sec-Fetch-Mode": "navigate"})


def test_the_ports_of_the_schemes_need_not_be_named() -> None:
    for origin, host in (
        ("https://mill.example", "mill.example"),
        ("https://mill.example", "mill.example:443"),
        ("http://mill.example:80", "mill.example"),
    ):
        LOCAL.check("POST", "/", {"Origin": origin, "Host": host})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("mill.example", False), ("", False)],  # noqa: S104
)  # fmt: skip
def test_loopback_addresses(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


async def test_a_foreign_form_is_refused_before_its_body_is_read(gateway: Gateway) -> None:
    headers = {
        "Origin": "https://evil.example",
        "Content-Type": "multipart/form-data; boundary=b",
        "Content-Length": str(10**9),
    }
    async with Connection(gateway.address) as connection:
        await connection.send("POST /api/upload_file", headers, b"--b\r\n")
        answer = await connection.answer()
        assert (answer.status, json.loads(answer.body)["status"]) == (403, "error")
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Connection"] == "close"
        # The service neither waits for the body nor reads it.
        await connection.ended()


async def test_a_rebound_name_reads_nothing(gateway: Gateway) -> None:
    response = await gateway.client.get("/api/v1/jobs", headers={"Host": "evil.example:80"})
    assert (response.status, response.content_type) == (421, "application/problem+json")
    assert (await response.json())["type"] == "urn:csvmill:problem:unknown-host"


async def test_a_foreign_page_cancels_nothing_and_its_preflight_is_not_granted(
    gateway: Gateway,
) -> None:
    job = await gateway.pending_job()
    url = f"/api/v1/jobs/{job.id}"
    response = await gateway.client.delete(url, headers={"Origin": "https://evil.example"})
    assert (response.status, (await response.json())["type"]) == (
        403,
        "urn:csvmill:problem:origin-refused",
    )
    assert (await gateway.jobs.get(job.id)).state == "PENDING"
    preflight = await gateway.client.options(
        url,
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"},
    )
    assert preflight.status == 405
    assert not [name for name in preflight.headers if name.startswith("Access-Control")]


async def test_the_page_of_a_first_client_uploads_from_a_listed_origin(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(cors_origins=PAGE)
    response = await gateway.client.post(
        "/api/upload_file",
        data={"dzuuid": "x"},
        headers={"Origin": PAGE, "Sec-Fetch-Site": "cross-site"},
    )
    assert response.status == 400  # it is read: the file is missing
    assert response.headers["Access-Control-Allow-Origin"] == PAGE


async def test_a_private_service_answers_only_to_its_token(start_gateway: Start) -> None:
    gateway = await start_gateway(private_token="secret")
    job = await gateway.pending_job()
    url = f"/api/v1/jobs/{job.id}"
    for headers in (
        {}, {"Authorization": "Bearer other"}, {"Authorization": "Basic secret"},
        {"Authorization": "Bearer s\u00e9cret"}, {"Authorization": "secret"},
    ):  # fmt: skip
        assert (await gateway.client.get("/healthz", headers=headers)).status == 200
        for path in (url, "/metrics", "/"):
            response = await gateway.client.get(path, headers=headers)
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="csvmill"'
        assert (await gateway.client.delete(url, headers=headers)).status == 401
    shown = await gateway.client.get(url, headers={"Authorization": "bearer secret"})
    assert (await shown.json())["state"] == "PENDING"


async def test_the_host_of_a_whole_url_counts_and_not_the_field(gateway: Gateway) -> None:
    for url, status in (
        ("http://evil.example/healthz", 200),
        ("http://evil.example/api/v1/jobs", 421),
        ("http://127.0.0.1/api/v1/jobs", 200),
    ):
        async with Connection(gateway.address) as connection:
            await connection.send(f"GET {url}", {}, b"")
            assert (await connection.answer()).status == status
