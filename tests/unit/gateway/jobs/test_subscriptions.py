"""Subscriptions share the queries of the job watcher, and are limited."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tests.unit.gateway.jobs.following import (
    QUICK,
    WatchedJobs,
    followed,
    followers,
    until_followed_by,
)

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway, Start


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


async def test_a_tenant_has_so_many_subscriptions(start_gateway: Start) -> None:
    gateway = await start_gateway(max_tenant_followers=1, follow_interval=QUICK)
    job = await gateway.started_job()
    async with followed(gateway, job.id) as one:
        await one.next()
        for path in (f"/api/v1/jobs/{job.id}/events", f"/api/v1/jobs/{job.id}?wait=5"):
            refused = await gateway.client.get(path)
            assert refused.status == 429
            assert int(refused.headers["Retry-After"]) > 0
            kind = (await refused.json())["type"]
            assert kind == "urn:csvmill:problem:too-many-tenant-followers"
    # A slot becomes free when the gateway notices that a client disconnected.
    await until_followed_by(gateway, 0)
    async with followed(gateway, job.id) as one:
        await one.next()


async def test_following_an_ended_job_does_not_count_towards_the_limit(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(max_followers=0)
    job = await gateway.finished_job(b"x")
    async with followed(gateway, job.id) as events:
        assert len(await events.rest()) == 1
