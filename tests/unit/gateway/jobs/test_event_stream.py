"""`GET /api/v1/jobs/ID/events`: what a client that follows a job receives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator

from gateway.jobs import event_stream
from gateway.openapi.document import DOCUMENT
from shared.jobs.job import JobProgress
from shared.runtime.drain import ON_SHUTDOWN_STARTED
from tests.unit.gateway.jobs.following import QUICK, WatchedJobs, followed, until_followed_by

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore
    from tests.unit.gateway.conftest import Gateway, Start


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
