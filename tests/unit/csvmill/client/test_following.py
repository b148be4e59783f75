"""Jobs are followed by their events, or by polling."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from csvmill.client import (
    Client,
    JobProgress,
    JobUnsuccessful,
    JobView,
    Refused,
    ServerUnavailable,
)
from csvmill.client import following as module
from tests.unit.csvmill.client.test_retrying import JOB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.csvmill.client.conftest import ClientOf


STORY = [
    ("PENDING", 0, 0),
    ("STARTED", 1, 0),
    ("STARTED", 1, 40),
    ("RETRY", 1, 0),
    ("STARTED", 2, 0),
    ("STARTED", 2, 30),
    ("STARTED", 2, 74),
    ("SUCCESS", 2, 74),
]
"""The states of a job: state, attempt, bytes done."""


def event(state: str, attempt: int, done: int) -> bytes:
    data = {
        "id": "j", "state": state, "attempt": attempt, "bytes_done": done, "bytes_total": 74,
        "rows_done": None, "rows_estimated": True, "percent": 1.5, "eta": None, "reason": "why",
        "result": None, "new": "what a newer server adds",
    }  # fmt: skip
    return (
        f"retry: 1\nevent: state\nid: {attempt}-{state}-{done}\ndata: {json.dumps(data)}\n\n"
    ).encode()


def job(state: str, attempt: int = 1, done: int = 0) -> web.Response:
    progress = {
        "bytes_done": done, "bytes_total": 74, "rows_done": 1, "percent": 1.5, "eta": None,
    }  # fmt: skip
    return web.json_response(
        {**JOB, "state": state, "attempt": attempt, "reason": "why", "progress": progress}
    )


async def stream(request: web.Request, *parts: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for part in parts:
        await response.write(part)
    return response


def break_off(request: web.Request) -> None:
    """Close the connection after the written bytes were sent."""
    assert request.transport
    request.transport.close()


def tasks_of_the_client() -> set[asyncio.Task[Any]]:
    """Return the running tasks, except for those of the server in this process."""
    return {task for task in asyncio.all_tasks() if "RequestHandler" not in repr(task)}


def changes_of(events: list[Any]) -> list[tuple[str, int, int]]:
    return [(each.state, each.attempt, each.progress.bytes_done) for each in events]


async def test_events_are_yielded_until_the_job_has_ended(client_of: ClientOf) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.path == "/api/v1/jobs/j/events"
        assert request.headers["Accept"] == "text/event-stream"
        return await stream(request, b":\n\n", *(event(*each) for each in STORY), b"data: x\n\n")

    async with client_of(handler) as client:
        events = [each async for each in client.events("j")]
    assert changes_of(events) == STORY
    assert events[2].progress == JobProgress(40, 74, None, 1.5, None, rows_estimated=True)
    assert (events[2].id, events[2].job_id, events[2].reason) == ("1-STARTED-40", "j", "why")


@pytest.mark.parametrize("seed", range(8))
async def test_a_connection_cut_at_any_byte_never_misses_the_end(
    client_of: ClientOf, seed: int
) -> None:
    chance = random.Random(seed)
    text = [event(*each) for each in STORY]
    ids = [f"{attempt}-{state}-{done}" for state, attempt, done in STORY]
    now = 0
    connections = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        # Like the gateway: first the current state, then changes; the job continues meanwhile.
        nonlocal now, connections
        connections += 1
        seen = request.headers.get("Last-Event-ID")
        if seen:
            now = max(now, ids.index(seen))
        if seen == ids[-1]:
            return web.Response(status=204)
        complete = b":\n\n".join(text[now : now + 2])
        now = min(now + chance.randrange(2), len(STORY) - 1)
        response = await stream(request, complete[: chance.randrange(3 * len(complete))])
        break_off(request)
        return response

    async with client_of(handler) as client:
        events = [each async for each in client.events("j")]
    positions = [STORY.index(each) for each in changes_of(events)]
    assert positions == sorted(positions)
    assert positions[-1] == len(STORY) - 1
    assert connections > 3


async def test_a_204_response_ends_the_events(client_of: ClientOf) -> None:
    requested: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        requested.append(request.headers.get("Last-Event-ID"))
        if len(requested) == 2:
            return web.Response(status=204)
        return await stream(request, event("STARTED", 1, 5))

    async with client_of(handler) as client:
        events = [each async for each in client.events("j")]
    assert changes_of(events) == [("STARTED", 1, 5)]
    assert requested == [None, "1-STARTED-5"]


async def test_an_unknown_job_is_refused(client_of: ClientOf) -> None:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"title": "There is no such job", "type": "t"}, status=404)

    async with client_of(handler) as client:
        with pytest.raises(Refused, match="no such job"):
            await anext(client.events("j"))


@pytest.mark.parametrize("how", ["at once", "in an event", "silence"])
async def test_connections_without_an_event_count_as_failed_attempts(
    client_of: ClientOf, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_EVENT_TIMEOUT", 0.05)
    tries = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal tries
        tries += 1
        if tries == 1:
            return await stream(request, event("STARTED", 1, 5))
        if how == "at once":
            return await stream(request)
        response = await stream(request, event("STARTED", 1, 6)[:50])
        if how == "silence":
            await asyncio.sleep(0.5)
        return response

    async with client_of(handler) as client:
        events = client.events("j")
        assert (await anext(events)).attempt == 1
        with pytest.raises(ServerUnavailable):
            await anext(events)
    assert tries == 1 + 8


async def test_stopping_early_closes_the_connection_and_leaves_no_task(client_of: ClientOf) -> None:
    left = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = await stream(request, event("STARTED", 1, 5))
        try:
            await asyncio.sleep(30)
        finally:  # the test's server cancels the handler when its client disconnects
            left.set()
        return response

    async with client_of(handler) as client:
        before = tasks_of_the_client()
        async with aclosing(client.events("j")) as events:
            await anext(events)
        async with asyncio.timeout(10):
            await left.wait()
        assert tasks_of_the_client() <= before


def elsewhere(_request: web.Request) -> web.Response:
    return web.Response(text="<html>", content_type="text/html")


def no_such_route(_request: web.Request) -> web.Response:
    return web.json_response({"title": "Not Found", "type": "about:blank"}, status=404)


def too_many(_request: web.Request) -> web.Response:
    return web.json_response({"title": "Too many"}, status=503, headers={"Retry-After": "9"})


async def garbage(request: web.Request) -> web.StreamResponse:
    return await stream(request, b"data: what?\n\n")


async def held_back(request: web.Request) -> web.StreamResponse:
    response = await stream(request)
    await asyncio.sleep(0.5)
    return response


@pytest.mark.parametrize("answer", [elsewhere, no_such_route, too_many, garbage, held_back])
async def test_without_events_the_job_is_polled(
    client_of: ClientOf, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_EVENT_TIMEOUT", 0.05)
    story: Iterator[tuple[str, int, int]] = iter(STORY)
    requested = {"events": 0, "job": 0}

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/events"):
            requested["events"] += 1
            found = answer(request)
            return found if isinstance(found, web.Response) else await found
        requested["job"] += 1
        return job(*next(story))

    seen: list[JobView] = []
    async with client_of(handler) as client:
        done = await client.wait("j", longest_pause=0.01, timeout=30, changed=seen.append)
    assert done.state == "SUCCESS"
    assert changes_of(seen) == STORY
    assert requested["job"] == len(STORY)
    assert 1 <= requested["events"] <= module.MAX_FAILURES


async def test_waiting_reports_events_and_fetches_the_job_only_when_its_state_changes(
    client_of: ClientOf,
) -> None:
    requested = 0
    may_continue = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal requested
        if request.path.endswith("/events"):
            response = await stream(request, event("STARTED", 1, 0), event("STARTED", 1, 40))
            await may_continue.wait()
            await response.write(event("FAILURE", 1, 40))
            return response
        requested += 1
        return job("STARTED", 1) if requested == 1 else job("FAILURE", 1, 40)

    seen: list[JobView] = []

    def changed(view: JobView) -> None:
        seen.append(view)
        if view.progress and view.progress.bytes_done == 40:
            may_continue.set()

    async with client_of(handler) as client:
        with pytest.raises(JobUnsuccessful, match="ended as FAILURE: why"):
            await client.wait("j", timeout=30, changed=changed)
    assert changes_of(seen) == [
        ("STARTED", 1, 0), ("STARTED", 1, 0), ("STARTED", 1, 40), ("FAILURE", 1, 40),
    ]  # fmt: skip
    assert requested == 2


async def test_a_short_job_costs_one_request_that_the_server_answers_at_its_end(
    client_of: ClientOf,
) -> None:
    requested: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        requested.append(request.path_qs)
        await asyncio.sleep(0.05)
        return job("SUCCESS")

    seen: list[JobView] = []
    async with client_of(handler) as client:
        assert (await client.wait("j", timeout=30, changed=seen.append)).state == "SUCCESS"
    assert requested == ["/api/v1/jobs/j?wait=0.500"]
    assert changes_of(seen) == [("SUCCESS", 1, 0)]


@pytest.mark.parametrize("answer", [too_many, no_such_route, elsewhere])
async def test_a_request_that_the_server_does_not_hold_is_not_repeated_but_sent_without_a_wait(
    client_of: ClientOf, answer: Any
) -> None:
    requested: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        requested.append(request.path_qs)
        return job("SUCCESS") if len(requested) == 2 else answer(request)

    async with client_of(handler) as client:
        assert (await client.wait("j", timeout=30)).state == "SUCCESS"
    assert requested == ["/api/v1/jobs/j?wait=0.500", "/api/v1/jobs/j"]


async def test_polls_wait_on_the_server_for_as_long_as_pauses_would_be(
    client_of: ClientOf,
) -> None:
    waits: list[float] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/events"):
            return elsewhere(request)
        waits.append(float(request.query["wait"]))
        await asyncio.sleep(waits[-1])
        return job("SUCCESS" if len(waits) == 4 else "STARTED")

    async with client_of(handler) as client:
        await client.wait("j", timeout=30, longest_pause=0.04)
    assert waits == pytest.approx([0.5, 0.02, 0.03, 0.04])


async def test_a_job_is_requested_with_the_seconds_to_wait(client_of: ClientOf) -> None:
    requested: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        requested.append(request.path_qs)
        return job("STARTED")

    async with client_of(handler) as client:
        await client.job("j")
        await client.job("j", wait=30)
    assert requested == ["/api/v1/jobs/j", "/api/v1/jobs/j?wait=30.000"]


async def test_waiting_continues_when_the_stream_ends_before_the_job(client_of: ClientOf) -> None:
    streams = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal streams
        if request.path.endswith("/events"):
            streams += 1
            return await stream(request, event("STARTED", 1, streams))
        return job("SUCCESS" if streams == 5 else "STARTED")

    async with client_of(handler) as client:
        assert (await client.wait("j", timeout=30)).state == "SUCCESS"
    assert streams == 5


async def test_waiting_ends_at_its_timeout_and_leaves_no_task(client_of: ClientOf) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/events"):
            response = await stream(request, event("STARTED", 1, 5))
            await asyncio.sleep(30)
            return response
        return job("STARTED")

    async with client_of(handler) as client:
        before = tasks_of_the_client()
        with pytest.raises(TimeoutError):
            await client.wait("j", timeout=0.2)
        assert tasks_of_the_client() <= before


async def test_the_blocking_client_yields_events_and_can_stop_early(
    client_of: ClientOf,
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await stream(request, *(event(*each) for each in STORY))

    def follow(server: str) -> tuple[list[Any], Any]:
        with Client(server) as client:
            complete = list(client.events("j"))
            for first in client.events("j"):
                return complete, first
        raise AssertionError

    async with client_of(handler) as client:
        complete, first = await asyncio.to_thread(follow, client._transport.server)
    assert changes_of(complete) == STORY
    assert changes_of([first]) == STORY[:1]
