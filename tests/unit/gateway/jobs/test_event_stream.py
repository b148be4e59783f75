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
"""Seconds between two looks."""


class WatchedJobs:
    """The job store; notes which jobs each look asked for, and fails or waits if told so."""

    def __init__(self, jobs: SqlJobStore) -> None:
        self.looks: list[set[UUID]] = []
        self.away = False
        self.held: asyncio.Event | None = None
        self._jobs = jobs
        self._looked = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._jobs, name)

    async def get_many(self, job_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        assert len(set(job_ids)) == len(job_ids)
        self.looks.append(set(job_ids))
        found = await self._jobs.get_many(job_ids)
        self._looked.set()
        if self.held:
            await self.held.wait()
        if self.away:
            raise DatabaseUnavailable("the database does not answer")
        return found

    async def looked(self, times: int = 1) -> None:
        for _ in range(times):
            self._looked.clear()
            async with asyncio.timeout(10):
                await self._looked.wait()


@asynccontextmanager
async def following(
    gateway: Gateway, job_id: object, seen: str | None = None
) -> AsyncIterator[EventReader]:
    headers = {"Last-Event-ID": seen} if seen else {}
    async with gateway.client.get(f"/api/v1/jobs/{job_id}/events", headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Accel-Buffering"] == "no"
        yield EventReader(response)


@pytest.fixture
async def watched(start_gateway: Start) -> tuple[Gateway, WatchedJobs]:
    """A gateway that is quick to notice, and what it asks the job store."""
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
        while await followers(gateway) != number:  # noqa: ASYNC110  (nothing announces it)
            await asyncio.sleep(0.02)


async def test_the_first_event_is_the_job_as_it_stands(gateway: Gateway) -> None:
    job = await gateway.started_job()
    async with following(gateway, job.id) as events:
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


async def test_every_change_is_told_until_the_job_has_ended(
    watched: tuple[Gateway, WatchedJobs],
) -> None:
    gateway, _ = watched
    job = await gateway.pending_job(input_size=4000)
    async with following(gateway, job.id) as events:
        told = [await events.next()]
        now = time.time()
        await gateway.jobs.claim(job.id, worker="w", lease_until=now + 60, now=now)
        told.append(await events.next())
        await gateway.jobs.record_progress(
            job.id, 1, JobProgress(1000, 20, 500.0, rows_estimated=True)
        )
        told.append(await events.next())
        await gateway.jobs.fail(job.id, 1, "no memory", final=True, now=now)
        told += await events.rest()
    described = {
        **DOCUMENT["components"]["schemas"]["JobEventData"],
        "components": DOCUMENT["components"],
    }
    for event in told:
        Draft202012Validator(described).validate(event.data)
    assert [(event.kind, event.id) for event in told] == [
        ("state", "0-PENDING-0"),
        ("state", "1-STARTED-0"),
        ("progress", "1-STARTED-1000"),
        ("state", "1-FAILURE-1000"),
    ]
    progress, end = told[2].data, told[3].data
    assert (progress["percent"], progress["rows_done"], progress["eta"]) == (25.0, 20, 6.0)
    assert progress["rows_estimated"] is True
    assert (end["reason"], end["eta"], end["result"]) == ("no memory", None, None)


async def test_a_job_that_succeeds_leads_to_its_result(gateway: Gateway) -> None:
    job = await gateway.finished_job(b"result")
    async with following(gateway, job.id) as events:
        (only,) = await events.rest()
    assert (only.data["percent"], only.data["eta"], only.data["rows_done"]) == (100.0, 0.0, 1)
    response = await gateway.client.get(only.data["result"])
    assert await response.read() == b"result"


async def test_whoever_has_seen_the_end_is_told_not_to_come_back(gateway: Gateway) -> None:
    job = await gateway.finished_job(b"result")
    async with following(gateway, job.id) as events:
        (only,) = await events.rest()
    response = await gateway.client.get(
        f"/api/v1/jobs/{job.id}/events", headers={"Last-Event-ID": only.id}
    )
    assert (response.status, await response.read()) == (204, b"")


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        ("0-PENDING-0", "state"),
        ("1-STARTED-0", "progress"),
        ("1-STARTED-7", "progress"),
        ("1-RETRY-0", "state"),
        ("not one of ours", "state"),
        ("1-STARTED-" + "9" * 99, "state"),
    ],
)
async def test_whoever_comes_back_is_told_what_has_changed(
    gateway: Gateway, seen: str, kind: str
) -> None:
    job = await gateway.started_job()
    async with following(gateway, job.id, seen) as events:
        event = await events.next()
    assert (event.kind, event.data["state"]) == (kind, "STARTED")


async def test_a_failure_that_was_seen_is_followed_on_when_the_job_is_retried(
    gateway: Gateway,
) -> None:
    job = await gateway.started_job()
    await gateway.jobs.fail(job.id, 1, "no memory", final=True, now=time.time())
    await gateway.jobs.retry(job.id)
    async with following(gateway, job.id, "1-FAILURE-0") as events:
        event = await events.next()
    assert (event.kind, event.id) == ("state", "1-RETRY-0")


async def test_there_is_nothing_to_follow_of_an_unknown_job_or_an_upload_in_flight(
    gateway: Gateway,
) -> None:
    declared = await gateway.client.post("/api/v1/uploads", json={"name": "plays.csv", "size": 9})
    for unknown in ((await declared.json())["id"], uuid4(), "x"):
        response = await gateway.client.get(f"/api/v1/jobs/{unknown}/events")
        assert response.status == 404
        assert (await response.json())["type"] == "urn:csvmill:problem:job-not-found"


async def test_however_many_follow_there_is_one_query_at_a_time(
    watched: tuple[Gateway, WatchedJobs],
) -> None:
    gateway, jobs = watched
    one, other = await gateway.started_job(), await gateway.started_job()
    async with (
        following(gateway, one.id) as a,
        following(gateway, one.id) as b,
        following(gateway, one.id) as c,
        following(gateway, other.id) as d,
    ):
        for events in (a, b, c, d):
            await events.next()
        await jobs.looked()
        jobs.looks.clear()
        await jobs.looked(3)
        # However much time has passed: each look was for both jobs.
        assert jobs.looks
        assert all(look == {one.id, other.id} for look in jobs.looks)
        await gateway.jobs.cancel(one.id, now=time.time())
        for events in (a, b, c):
            (end,) = await events.rest()
            assert end.data["state"] == "REVOKED"
        await jobs.looked()
        jobs.looks.clear()
        await jobs.looked(2)
        assert all(look == {other.id} for look in jobs.looks)


async def test_nothing_is_asked_while_nobody_follows(
    watched: tuple[Gateway, WatchedJobs],
) -> None:
    gateway, jobs = watched
    ended = await gateway.finished_job(b"x")
    async with following(gateway, ended.id) as events:
        await events.rest()
    assert jobs.looks == []
    job = await gateway.started_job()
    async with following(gateway, job.id) as events:
        await events.next()
        await jobs.looked()
    await until_followed_by(gateway, 0)
    await asyncio.sleep(0.2)
    jobs.looks.clear()
    await asyncio.sleep(0.2)
    assert jobs.looks == []


async def test_an_answer_from_before_somebody_came_is_not_for_them(
    watched: tuple[Gateway, WatchedJobs],
) -> None:
    gateway, jobs = watched
    job = await gateway.started_job()
    jobs.held = asyncio.Event()
    async with following(gateway, job.id) as early:
        assert (await early.next()).data["state"] == "STARTED"
        await jobs.looked()  # has read that the job is STARTED, and holds that back
        await gateway.jobs.release(job.id, 1, "shutdown", now=time.time())
        async with following(gateway, job.id) as late:
            told = [await late.next()]
            jobs.held.set()
            jobs.held = None
            await jobs.looked(2)
            await gateway.jobs.cancel(job.id, now=time.time())
            told += await late.rest()
    assert [event.data["state"] for event in told] == ["RETRY", "REVOKED"]


async def test_no_more_may_follow_than_is_set(start_gateway: Start) -> None:
    gateway = await start_gateway(max_followers=2, follow_interval=QUICK)
    job = await gateway.started_job()
    url = f"/api/v1/jobs/{job.id}/events"
    async with following(gateway, job.id) as one:
        await one.next()
        async with following(gateway, job.id) as other:
            await other.next()
            assert await followers(gateway) == 2
            refused = await gateway.client.get(url)
            assert refused.status == 503
            assert int(refused.headers["Retry-After"]) > 0
            assert (await refused.json())["type"] == "urn:csvmill:problem:too-many-followers"
        # A place that is left can be taken, once it was noticed.
        await until_followed_by(gateway, 1)
        async with following(gateway, job.id) as other:
            await other.next()


async def test_a_job_that_has_ended_needs_no_place(start_gateway: Start) -> None:
    gateway = await start_gateway(max_followers=0)
    job = await gateway.finished_job(b"x")
    async with following(gateway, job.id) as events:
        assert len(await events.rest()) == 1


async def test_in_silence_there_are_comments(start_gateway: Start) -> None:
    gateway = await start_gateway(follow_heartbeat=0.05)
    job = await gateway.started_job()
    async with following(gateway, job.id) as events:
        await events.next()
        for _ in range(3):
            block = await events.block()
            assert block is not None
            assert block.fields == {"": ""}


async def test_while_the_database_is_away_the_stream_stays_open(
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
    async with following(gateway, job.id) as events:
        await events.next()
        jobs.away = True
        await jobs.looked(3)
        await gateway.jobs.cancel(job.id, now=time.time())
        block = await events.block()
        assert block is not None
        assert block.fields == {"": ""}
        jobs.away = False
        (end,) = await events.rest()
    assert end.data["state"] == "REVOKED"


async def test_a_client_that_takes_too_slowly_is_told_the_latest_only(
    watched: tuple[Gateway, WatchedJobs], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, jobs = watched
    job = await gateway.started_job()
    async with following(gateway, job.id) as events:
        await events.next()
        # From now on as if the client had not taken the first event yet.
        monkeypatch.setattr(event_stream, "BUFFER_LIMIT", -1)
        for done in range(1, 4):
            await gateway.jobs.record_progress(job.id, 1, JobProgress(done))
            await jobs.looked(2)
        await gateway.jobs.cancel(job.id, now=time.time())
        await jobs.looked(2)
        monkeypatch.undo()
        (end,) = await events.rest()
    assert end.id == "1-REVOKED-3"


async def test_a_client_that_stops_reading_is_disconnected(
    start_gateway: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await start_gateway(client_timeout=0.1, follow_interval=QUICK)
    job = await gateway.started_job()
    async with following(gateway, job.id) as events:
        await events.next()
        monkeypatch.setattr(event_stream, "BUFFER_LIMIT", -1)
        await until_followed_by(gateway, 0)


async def test_a_gateway_that_leaves_waits_for_no_client_that_takes_nothing(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await gateway.started_job()
    async with following(gateway, job.id) as events:
        await events.next()
        monkeypatch.setattr(event_stream, "BUFFER_LIMIT", -1)
        for end in gateway.client.app[ON_SHUTDOWN_STARTED]:
            end()
        await until_followed_by(gateway, 0)


async def test_a_gateway_that_leaves_ends_the_streams(gateway: Gateway) -> None:
    job = await gateway.started_job()
    app = gateway.client.app
    async with following(gateway, job.id) as events:
        await events.next()
        for end in app[ON_SHUTDOWN_STARTED]:
            end()
        assert await events.rest() == []
    # On a connection that is still there the present state can be asked for, and no more.
    async with following(gateway, job.id) as events:
        assert [event.data["state"] for event in await events.rest()] == ["STARTED"]
