"""`GET /api/v1/jobs/{job_id}/events`."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator

from gateway.jobs import event_stream
from gateway.openapi.document import DOCUMENT
from shared.errors import DatabaseUnavailable
from shared.jobs.job import JobProgress
from shared.runtime.drain import ON_SHUTDOWN_STARTED
from tests.metrics import Exposition
from tests.sse import EventReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore
    from tests.unit.gateway.conftest import Gateway, Start

pytestmark = pytest.mark.timeout(60)

QUICK = 0.05
"""Seconds between two queries."""


class WatchedJobs:
    """A job store that records the ids of each query, and fails or waits on demand."""

    def __init__(self, jobs: SqlJobStore) -> None:
        self.queries: list[set[UUID]] = []
        self.failing = False
        self.held: asyncio.Event | None = None
        self._jobs = jobs
        self._queried = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._jobs, name)

    async def get_many(self, job_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        assert len(set(job_ids)) == len(job_ids)
        self.queries.append(set(job_ids))
        found = await self._jobs.get_many(job_ids)
        self._queried.set()
        if self.held:
            await self.held.wait()
        if self.failing:
            raise DatabaseUnavailable("the database does not answer")
        return found

    async def queried(self, times: int = 1) -> None:
        for _ in range(times):
            self._queried.clear()
            async with asyncio.timeout(10):
                await self._queried.wait()


@asynccontextmanager
async def followed(
    gateway: Gateway, job_id: object, last_id: str | None = None
) -> AsyncIterator[EventReader]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with gateway.client.get(f"/api/v1/jobs/{job_id}/events", headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Accel-Buffering"] == "no"
        yield EventReader(response)


@pytest.fixture
async def watched(start_gateway: Start) -> tuple[Gateway, WatchedJobs]:
    """A gateway with short pauses, and its job store."""
    stores: list[WatchedJobs] = []

    def watch(jobs: SqlJobStore) -> Any:
        stores.append(WatchedJobs(jobs))
        return stores[0]

    return await start_gateway(jobs=watch, follow_interval=QUICK), stores[0]


async def followers(gateway: Gateway) -> float:
    text = await (await gateway.client.get("/metrics")).text()
    return Exposition.of(text).value("csvmill_job_followers")


async def until_followed_by(gateway: Gateway, number: int) -> None:
    async with asyncio.timeout(10):
        while await followers(gateway) != number:  # noqa: ASYNC110  (there is no event to wait for)
            await asyncio.sleep(0.02)


async def test_the_first_event_shows_the_current_state(gateway: Gateway) -> None:
    job = await gateway.started_job()
    async with followed(gateway, job.id) as events:
        first = await events.next()
    assert first.fields["retry"] == "1000"
    assert (first.kind, first.id) == ("state", "1-STARTED-0")
    assert first.data == {
        "id": str(job.id),
        "state": "STARTED",
        "attempt": 1,
        "bytes_done": 0,
        "bytes_total": 1,
        "rows_done": None,
        "rows_estimated": False,
        "percent": 0.0,
        "eta": None,
        "reason": None,
        "result": None,
    }


async def test_every_change_is_an_event_until_the_job_has_ended(
    watched: tuple[Gateway, WatchedJobs],
) -> None:
    gateway, _ = watched
    job = await gateway.pending_job(input_size=4000)
    async with followed(gateway, job.id) as events:
        received = [await events.next()]
        now = time.time()
        await gateway.jobs.claim(job.id, worker="w", lease_until=now + 60, now=now)
        received.append(await events.next())
        await gateway.jobs.record_progress(
            job.id, 1, JobProgress(1000, 20, 500.0, rows_estimated=True)
        )
        received.append(await events.next())
        await gateway.jobs.fail(job.id, 1, "no memory", final=True, now=now)
        received += await events.rest()
    described = {
        **DOCUMENT["components"]["schemas"]["JobEventData"],
        "components": DOCUMENT["components"],
    }
    for event in received:
        Draft202012Validator(described).validate(event.data)
    assert [(event.kind, event.id) for event in received] == [
        ("state", "0-PENDING-0"),
        ("state", "1-STARTED-0"),
        ("progress", "1-STARTED-1000"),
        ("state", "1-FAILURE-1000"),
    ]
    progress, end = received[2].data, received[3].data
    assert (progress["percent"], progress["rows_done"], progress["eta"]) == (25.0, 20, 6.0)
    assert progress["rows_estimated"] is True
    assert (end["reason"], end["eta"], end["result"]) == ("no memory", None, None)


async def test_the_event_of_a_success_has_the_path_of_the_result(gateway: Gateway) -> None:
    job = await gateway.finished_job(b"result")
    async with followed(gateway, job.id) as events:
        (only,) = await events.rest()
    assert (only.data["percent"], only.data["eta"], only.data["rows_done"]) == (100.0, 0.0, 1)
    response = await gateway.client.get(only.data["result"])
    assert await response.read() == b"result"


async def test_a_client_that_received_the_last_event_is_answered_204(gateway: Gateway) -> None:
    job = await gateway.finished_job(b"result")
    async with followed(gateway, job.id) as events:
        (only,) = await events.rest()
    response = await gateway.client.get(
        f"/api/v1/jobs/{job.id}/events", headers={"Last-Event-ID": only.id}
    )
    assert (response.status, await response.read()) == (204, b"")


@pytest.mark.parametrize(
    ("last_id", "kind"),
    [
        ("0-PENDING-0", "state"),
        ("1-STARTED-0", "progress"),
        ("1-STARTED-7", "progress"),
        ("1-RETRY-0", "state"),
        ("not one of ours", "state"),
        ("1-STARTED-" + "9" * 99, "state"),
    ],
)
async def test_a_client_that_reconnects_receives_the_changes_since_its_last_event(
    gateway: Gateway, last_id: str, kind: str
) -> None:
    job = await gateway.started_job()
    async with followed(gateway, job.id, last_id) as events:
        event = await events.next()
    assert (event.kind, event.data["state"]) == (kind, "STARTED")


async def test_following_continues_after_a_received_failure_if_the_job_is_retried(
    gateway: Gateway,
) -> None:
    job = await gateway.started_job()
    await gateway.jobs.fail(job.id, 1, "no memory", final=True, now=time.time())
    await gateway.jobs.retry(job.id)
    async with followed(gateway, job.id, "1-FAILURE-0") as events:
        event = await events.next()
    assert (event.kind, event.id) == ("state", "1-RETRY-0")


async def test_following_an_unknown_job_or_an_incomplete_upload_is_404(
    gateway: Gateway,
) -> None:
    declared = await gateway.client.post("/api/v1/uploads", json={"name": "plays.csv", "size": 9})
    for unknown in ((await declared.json())["id"], uuid4(), "x"):
        response = await gateway.client.get(f"/api/v1/jobs/{unknown}/events")
        assert response.status == 404
        assert (await response.json())["type"] == "urn:csvmill:problem:job-not-found"


async def test_all_subscriptions_share_one_query_at_a_time(
    watched: tuple[Gateway, WatchedJobs],
) -> None:
    gateway, jobs = watched
    one, other = await gateway.started_job(), await gateway.started_job()
    async with (
        followed(gateway, one.id) as a,
        followed(gateway, one.id) as b,
        followed(gateway, one.id) as c,
        followed(gateway, other.id) as d,
    ):
        for events in (a, b, c, d):
            await events.next()
        await jobs.queried()
        jobs.queries.clear()
        await jobs.queried(3)
        # Every query read both jobs.
        assert jobs.queries
        assert all(query == {one.id, other.id} for query in jobs.queries)
        await gateway.jobs.cancel(one.id, now=time.time())
        for events in (a, b, c):
            (end,) = await events.rest()
            assert end.data["state"] == "REVOKED"
        await jobs.queried()
        jobs.queries.clear()
        await jobs.queried(2)
        assert all(query == {other.id} for query in jobs.queries)


async def test_there_are_no_queries_without_subscriptions(
    watched: tuple[Gateway, WatchedJobs],
) -> None:
    gateway, jobs = watched
    ended = await gateway.finished_job(b"x")
    async with followed(gateway, ended.id) as events:
        await events.rest()
    assert jobs.queries == []
    job = await gateway.started_job()
    async with followed(gateway, job.id) as events:
        await events.next()
        await jobs.queried()
    await until_followed_by(gateway, 0)
    await asyncio.sleep(0.2)
    jobs.queries.clear()
    await asyncio.sleep(0.2)
    assert jobs.queries == []


async def test_a_query_that_began_before_a_subscription_does_not_update_it(
    watched: tuple[Gateway, WatchedJobs],
) -> None:
    gateway, jobs = watched
    job = await gateway.started_job()
    jobs.held = asyncio.Event()
    async with followed(gateway, job.id) as early:
        assert (await early.next()).data["state"] == "STARTED"
        await jobs.queried()  # has read that the job is STARTED, and waits
        await gateway.jobs.release(job.id, 1, "shutdown", now=time.time())
        async with followed(gateway, job.id) as late:
            received = [await late.next()]
            jobs.held.set()
            jobs.held = None
            await jobs.queried(2)
            await gateway.jobs.cancel(job.id, now=time.time())
            received += await late.rest()
    assert [event.data["state"] for event in received] == ["RETRY", "REVOKED"]


async def test_the_number_of_subscriptions_is_limited(start_gateway: Start) -> None:
    gateway = await start_gateway(max_followers=2, follow_interval=QUICK)
    job = await gateway.started_job()
    url = f"/api/v1/jobs/{job.id}/events"
    async with followed(gateway, job.id) as one:
        await one.next()
        async with followed(gateway, job.id) as other:
            await other.next()
            assert await followers(gateway) == 2
            refused = await gateway.client.get(url)
            assert refused.status == 503
            assert int(refused.headers["Retry-After"]) > 0
            assert (await refused.json())["type"] == "urn:csvmill:problem:too-many-followers"
        # A slot becomes free when the gateway notices that a client disconnected.
        await until_followed_by(gateway, 1)
        async with followed(gateway, job.id) as other:
            await other.next()


async def test_following_an_ended_job_does_not_count_towards_the_limit(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(max_followers=0)
    job = await gateway.finished_job(b"x")
    async with followed(gateway, job.id) as events:
        assert len(await events.rest()) == 1


async def test_comments_are_sent_when_there_are_no_events(start_gateway: Start) -> None:
    gateway = await start_gateway(follow_heartbeat=0.05)
    job = await gateway.started_job()
    async with followed(gateway, job.id) as events:
        await events.next()
        for _ in range(3):
            block = await events.block()
            assert block is not None
            assert block.fields == {"": ""}


async def test_the_stream_stays_open_while_the_database_does_not_answer(
    start_gateway: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.jobs.watcher.PAUSE_WITHOUT_DATABASE", 0.05)
    stores: list[WatchedJobs] = []

    def watch(jobs: SqlJobStore) -> Any:
        stores.append(WatchedJobs(jobs))
        return stores[0]

    gateway = await start_gateway(jobs=watch, follow_heartbeat=0.05, follow_interval=QUICK)
    (jobs,) = stores
    job = await gateway.started_job()
    async with followed(gateway, job.id) as events:
        await events.next()
        jobs.failing = True
        await jobs.queried(3)
        await gateway.jobs.cancel(job.id, now=time.time())
        block = await events.block()
        assert block is not None
        assert block.fields == {"": ""}
        jobs.failing = False
        (end,) = await events.rest()
    assert end.data["state"] == "REVOKED"


async def test_a_slow_client_receives_only_the_latest_event(
    watched: tuple[Gateway, WatchedJobs], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, jobs = watched
    job = await gateway.started_job()
    async with followed(gateway, job.id) as events:
        await events.next()
        # From now on it queries as if the client had not read the first event.
        monkeypatch.setattr(event_stream, "BUFFER_LIMIT", -1)
        for done in range(1, 4):
            await gateway.jobs.record_progress(job.id, 1, JobProgress(done))
            await jobs.queried(2)
        await gateway.jobs.cancel(job.id, now=time.time())
        await jobs.queried(2)
        monkeypatch.undo()
        (end,) = await events.rest()
    assert end.id == "1-REVOKED-3"


async def test_a_client_that_stops_reading_is_disconnected(
    start_gateway: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await start_gateway(client_timeout=0.1, follow_interval=QUICK)
    job = await gateway.started_job()
    async with followed(gateway, job.id) as events:
        await events.next()
        monkeypatch.setattr(event_stream, "BUFFER_LIMIT", -1)
        await until_followed_by(gateway, 0)


async def test_shutdown_does_not_wait_for_a_client_that_stops_reading(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await gateway.started_job()
    async with followed(gateway, job.id) as events:
        await events.next()
        monkeypatch.setattr(event_stream, "BUFFER_LIMIT", -1)
        for end in gateway.client.app[ON_SHUTDOWN_STARTED]:
            end()
        await until_followed_by(gateway, 0)


async def test_shutdown_ends_the_streams(gateway: Gateway) -> None:
    job = await gateway.started_job()
    app = gateway.client.app
    async with followed(gateway, job.id) as events:
        await events.next()
        for end in app[ON_SHUTDOWN_STARTED]:
            end()
        assert await events.rest() == []
    # On an existing connection a client can still request the current state, but no stream.
    async with followed(gateway, job.id) as events:
        assert [event.data["state"] for event in await events.rest()] == ["STARTED"]
