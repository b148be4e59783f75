"""Services of the stack that are killed, scaled and restarted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from csvmill.client import AsyncClient, Retries
from tests.compose.files import Sample
from tests.compose.waiting import result_of, started_on, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compose.stack import Stack


async def test_a_processor_killed_during_a_job_is_restarted_and_its_job_is_retried(
    stack: Stack, tmp_path: Path
) -> None:
    sample = Sample(tmp_path / "plays.csv", 6_000_000, slow=True)
    async with AsyncClient(stack.url) as client:
        job_id = await client.upload(sample.path)
        host = await started_on(client, job_id)
        restarts = stack.containers("processor")[host]["RestartCount"]
        await asyncio.to_thread(stack.sigkill, host)
        assert await result_of(client, job_id, tmp_path) == sample.result
        first, *others = (await client.job(job_id)).attempts
    assert first.outcome == "lost"
    assert [attempt.outcome for attempt in others] == ["success"]
    assert stack.containers("processor")[host]["RestartCount"] == restarts + 1


async def test_three_processors_share_the_work(stack: Stack, tmp_path: Path) -> None:
    sample = Sample(tmp_path / "plays.csv", 1_000)
    await asyncio.to_thread(stack.renew, "processor", processor=3)
    hosts = set(stack.containers("processor"))
    assert len(hosts) == 3
    # Each consumes the queue of small jobs and the other one.
    await until(lambda: len(stack.management("consumers/{vhost}")) == 6, "all three consume")
    worked = set()
    async with AsyncClient(stack.url) as client:
        job_ids = await asyncio.gather(*(client.upload(sample.path) for _ in range(9)))
        for job_id in job_ids:
            assert await result_of(client, job_id, tmp_path) == sample.result
            worked |= {a.worker.partition(":")[0] for a in (await client.job(job_id)).attempts}
    assert worked == hosts
    await asyncio.to_thread(stack.renew, "processor", processor=1)


async def test_both_gateways_are_used_and_no_upload_is_lost_with_one(
    stack: Stack, tmp_path: Path
) -> None:
    sample = Sample(tmp_path / "plays.csv", 200_000)
    gateways = stack.containers("gateway")
    assert len(gateways) == 2
    before = {name: stack.received(name) for name in gateways}
    async with AsyncClient(stack.url) as client:
        job_id = await client.upload(sample.path, chunk_size=50_000)
        assert await result_of(client, job_id, tmp_path) == sample.result
        for name, bytes_ in before.items():
            assert stack.received(name) - bytes_ > sample.size / 10
        # One is killed while it receives chunks; its container restarts by itself
        killed = min(gateways)
        upload = asyncio.create_task(client.upload(sample.path, chunk_size=2_000, parallel=2))
        await asyncio.to_thread(stack.sigkill, killed)
        assert await result_of(client, await upload, tmp_path) == sample.result
    await until(
        lambda: (
            (it := stack.containers("gateway")[killed])["RestartCount"] and it["State"]["Running"]
        ),
        "the gateway is back",
    )


async def test_restarts_of_broker_and_database_lose_no_job(stack: Stack, tmp_path: Path) -> None:
    slow = Sample(tmp_path / "slow.csv", 4_000_000, slow=True)
    sample = Sample(tmp_path / "plays.csv", 1_000)
    async with AsyncClient(stack.url, retries=Retries(attempts=20)) as client:
        running = await client.upload(slow.path)
        await started_on(client, running)
        restart = asyncio.create_task(
            asyncio.to_thread(stack.compose, "restart", "rabbitmq", "postgres")
        )
        others = []
        while not restart.done():
            others.append(await client.upload(sample.path))
            await asyncio.sleep(0.5)
        await restart
        others.append(await client.upload(sample.path))
        assert await result_of(client, running, tmp_path) == slow.result
        for job_id in others:
            assert await result_of(client, job_id, tmp_path) == sample.result
