"""Which failures are retried, after which pause, and which exceptions they become."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
import stamina
from aiohttp import web

from csvmill.client import ClientError, ConnectionLost, Refused, Retries, ServerUnavailable
from csvmill.client.retrying import RETRY_AFTER_JITTER, retry_after

if TYPE_CHECKING:
    from tests.unit.csvmill.client.conftest import ClientOf

JOB = {
    "id": "j", "state": "PENDING", "attempt": 0, "max_attempts": 3,
    "created_at": "2026-01-02T03:04:05.678Z", "finished_at": None, "reason": None,
    "filename": "plays.csv", "input_size": 74, "result": None, "attempts": [],
}  # fmt: skip


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 507])
async def test_a_temporary_error_status_is_retried_until_it_succeeds(
    client_of: ClientOf, status: int
) -> None:
    answers = iter([status, status, 200])

    async def handler(_request: web.Request) -> web.Response:
        return web.json_response(JOB, status=next(answers))

    async with client_of(handler) as client:
        assert (await client.job("j")).id == "j"
    assert list(answers) == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422, 501])
async def test_a_refusal_is_raised_at_once_with_status_type_and_detail(
    client_of: ClientOf, status: int
) -> None:
    requested = []

    async def handler(request: web.Request) -> web.Response:
        requested.append(request.path)
        problem = {"type": "urn:csvmill:problem:x", "title": "No", "detail": "no such thing"}
        return web.json_response(problem, status=status)

    async with client_of(handler) as client:
        with pytest.raises(Refused, match="no such thing") as caught:
            await client.job("a/b")
    assert (caught.value.status, caught.value.problem) == (status, "urn:csvmill:problem:x")
    assert requested == ["/api/v1/jobs/a/b"]


async def test_retries_end_with_the_last_failure(client_of: ClientOf) -> None:
    requested = 0

    async def handler(_request: web.Request) -> web.Response:
        nonlocal requested
        requested += 1
        return web.json_response({"message": "storage is away"}, status=503)

    async with client_of(handler) as client:
        with pytest.raises(ServerUnavailable, match="storage is away"):
            await client.job("j")
    assert requested == 8


@pytest.mark.parametrize("attempts", [1, 2, 3])
async def test_the_first_request_counts_as_an_attempt(attempts: int) -> None:
    stamina.set_testing(False)
    numbers: list[int] = []
    with pytest.raises(ServerUnavailable, match=f"request {attempts} failed"):
        await _fail(Retries(attempts=attempts, longest_pause=0.0), numbers)
    assert numbers == list(range(1, attempts + 1))


async def test_no_request_starts_after_the_time_of_the_first_has_passed() -> None:
    stamina.set_testing(False)
    numbers: list[int] = []
    with pytest.raises(ServerUnavailable, match="request 1 failed"):
        await _fail(Retries(attempts=None, within=0.0), numbers)
    assert numbers == [1]


async def _fail(retries: Retries, numbers: list[int]) -> None:
    """Let each request fail, and note its number."""
    async for attempt in retries:
        with attempt:
            numbers.append(attempt.num)
            raise ServerUnavailable(f"request {attempt.num} failed", None)


async def test_a_broken_connection_is_retried(client_of: ClientOf) -> None:
    broken = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal broken
        if broken < 3:
            broken += 1
            assert request.transport
            request.transport.abort()
        return web.json_response(JOB)

    async with client_of(handler) as client:
        assert (await client.job("j")).state == "PENDING"
    assert broken == 3


async def test_a_silent_server_times_out_as_a_lost_connection(client_of: ClientOf) -> None:
    requested = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal requested
        requested += 1
        response = web.StreamResponse(headers={"Content-Length": "10"})
        await response.prepare(request)
        await response.write(b"{")
        await asyncio.sleep(30)
        return response

    async with client_of(handler, timeout=0.1) as client:
        with pytest.raises(ConnectionLost):
            await client.job("j")
    assert requested == 8


async def test_a_request_that_succeeded_without_a_response_is_not_refused_when_repeated(
    client_of: ClientOf,
) -> None:
    requested: list[str] = []
    lose_answer = True

    async def handler(request: web.Request) -> web.Response:
        requested.append(request.method)
        if request.method == "GET":
            return web.json_response({**JOB, "state": "RETRY"})
        if lose_answer and len(requested) == 1:
            assert request.transport
            request.transport.abort()
        kind = "job-not-failed" if request.method == "POST" else "upload-not-found"
        if request.method == "DELETE" and "/jobs/" in request.path:
            kind = "job-not-found"
        problem = {"type": f"urn:csvmill:problem:{kind}", "title": kind}
        return web.json_response(problem, status=409 if request.method == "POST" else 404)

    async with client_of(handler) as client:
        assert (await client.retry("j")).state == "RETRY"
        assert requested == ["POST", "POST", "GET"]
        requested.clear()
        await client.cancel_upload("u")
        assert requested == ["DELETE", "DELETE"]
        requested.clear()
        assert await client.cancel("u") is None
        assert requested == ["DELETE", "DELETE"]
        # Without a lost response it is an error
        lose_answer = False
        for call in (client.retry, client.cancel_upload, client.cancel):
            with pytest.raises(Refused, match="not-f"):
                await call("x")


@pytest.mark.parametrize("body", ["<html>", '{"status": "fine"}', "[]"])
async def test_a_server_that_is_not_csvmill_is_reported(client_of: ClientOf, body: str) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(text=body)

    async with client_of(handler) as client:
        with pytest.raises(ClientError, match="not csvmill"):
            await client.about()


def test_retry_after_is_honoured_in_both_forms_with_jitter_and_a_limit() -> None:
    assert retry_after("7") == 7
    assert retry_after(formatdate(time.time() + 90, usegmt=True)) == pytest.approx(90, abs=2)
    assert retry_after(formatdate(time.time() - 90, usegmt=True)) == 0
    assert [retry_after(text) for text in (None, "", "soon", "-1", "٣")] == [None] * 5
    for requested, minimum in ((0.0, 0.0), (7.0, 7.0), (1e6, 60.0)):
        pause = Retries().pause_after(ServerUnavailable("x", requested))
        assert minimum <= pause <= minimum + RETRY_AFTER_JITTER
    assert Retries().pause_after(ServerUnavailable("x")) is True
    assert Retries().pause_after(Refused(404, "x")) is False
    assert Retries().pause_after(ValueError()) is False


async def test_an_unready_server_reports_the_missing_part(client_of: ClientOf) -> None:
    parts = {"status": "unavailable", "storage": "ok", "broker": "connection refused"}

    async def handle(_request: web.Request) -> web.Response:
        return web.json_response(parts, status=503)

    async with client_of(handle) as client:
        assert await client.ready() == parts


async def test_a_redirect_is_reported_and_not_followed(client_of: ClientOf) -> None:
    async def handle(_request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": "http://elsewhere.example/"})

    async with client_of(handle) as client:
        with pytest.raises(Refused, match="redirects") as refused:
            await client.job("j")
    assert refused.value.status == 308
