"""The metrics and ids of requests, on a real server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from shared.telemetry.http import instrument
from shared.telemetry.ids import Ids, bind_ids, current_ids
from shared.telemetry.metrics import Metrics, show_metrics
from tests.metrics import Exposition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    Client = TestClient[web.Request, web.Application]

LAG_COUNT = "csvmill_event_loop_lag_seconds_count"
JOB = UUID("0c3f6b1e-92b5-4d0b-8f6f-1d2f4a7c9e55")


@asynccontextmanager
async def running(*, internal: bool = False) -> AsyncIterator[tuple[Client, list[Ids]]]:
    """An application, and the ids bound at the end of each of its requests."""
    seen: list[Ids] = []

    async def things(request: web.Request) -> web.Response:
        if request.match_info["thing"] == "broken":
            raise ZeroDivisionError
        if request.match_info["thing"] == "elsewhere":
            raise web.HTTPFound("/")
        bind_ids(job_id=JOB)
        seen.append(current_ids())
        return web.Response(text="x")

    app = web.Application()
    instrument(app, Metrics("gateway"), internal=internal)
    app.add_routes([web.get("/things/{thing}", things), web.get("/metrics", show_metrics)])
    async with TestClient(TestServer(app)) as client:
        yield client, seen


async def exposed(client: Client) -> Exposition:
    return Exposition.of(await (await client.get("/metrics")).text())


async def test_requests_are_counted_by_route_and_not_by_url() -> None:
    async with running() as (client, _):
        for path in ("/things/1", "/things/2", "/things/broken", "/things/elsewhere", "/nothing"):
            await client.get(path, allow_redirects=False)
        await client.post("/things/1")
        await client.request("PROPFIND", "/things/1")
        metrics = await exposed(client)
    assert metrics.by("csvmill_http_requests_total", "method", "route", "status") == {
        ("GET", "/things/{thing}", "200"): 2,
        ("GET", "/things/{thing}", "500"): 1,
        ("GET", "/things/{thing}", "302"): 1,
        ("GET", "unmatched", "404"): 1,
        ("POST", "unmatched", "405"): 1,
        ("other", "unmatched", "405"): 1,
    }
    seconds = metrics.by("csvmill_http_request_duration_seconds_count", "method", "route")
    assert seconds["GET", "/things/{thing}"] == 4
    assert metrics.value("csvmill_http_requests_in_progress") == 1  # the request for the metrics


async def test_a_request_keeps_its_id_and_its_trace_and_the_response_has_the_id() -> None:
    headers = {
        "X-Request-Id": "from-the-client",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "Csvmill-Attempt": "3",
    }
    async with running() as (client, seen):
        response = await client.get("/things/1", headers=headers)
        # And the next request on the same connection has ids of its own
        other = await client.get("/things/1")
    first, second = seen
    assert response.headers["X-Request-Id"] == first.request_id == "from-the-client"
    assert first.trace is not None
    assert (first.trace.traceparent, first.attempt) == (headers["traceparent"], None)
    assert second == Ids(other.headers["X-Request-Id"], job_id=JOB)


async def test_an_internal_caller_passes_the_ids_of_its_attempt() -> None:
    async with running(internal=True) as (client, seen):
        await client.get("/things/1", headers={"Csvmill-Attempt": "3"})
    assert seen[0].attempt == 3


async def test_every_response_has_its_request_id_and_errors_too() -> None:
    async with running() as (client, _):
        for path, status in (("/things/elsewhere", 302), ("/nothing", 404)):
            response = await client.get(path, allow_redirects=False)
            assert (response.status, len(response.headers["X-Request-Id"])) == (status, 32)


async def test_the_lag_of_the_event_loop_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.telemetry.http.LAG_INTERVAL", 0.001)
    async with running() as (client, _), asyncio.timeout(20):
        while not (await exposed(client)).value(LAG_COUNT):  # noqa: ASYNC110  (there is no event)
            await asyncio.sleep(0.01)


async def test_metrics_are_served_in_the_accepted_format() -> None:
    async with running() as (client, _):
        plain = await client.get("/metrics")
        assert plain.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        families = list(text_string_to_metric_families(await plain.text()))
        newer = await client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
        assert newer.headers["Content-Type"].startswith("application/openmetrics-text")
        assert (await newer.text()).endswith("# EOF\n")
    (build,) = [family for family in families if family.name == "csvmill_build_info"]
    assert build.samples[0].labels["service"] == "gateway"
    assert build.samples[0].value == 1
