"""The stack of docker-compose.yml, used, killed, scaled, restarted and removed.

Each test begins and ends with two gateways, one processor and all services healthy, but for the
last, which removes everything.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import aiohttp
import pytest

from csvmill.client import AsyncClient, Retries
from shared.bus.topology import DEAD, DELIVERY_LIMIT, EXCHANGE, QUEUES, WAITING, queue_for
from shared.messages import WakeUp
from tests.compose.files import Sample
from tests.compose.stack import UNSHARED, docker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.compose.stack import Stack

# Building the image and bringing up what is being tested is part of the first test.
pytestmark = pytest.mark.timeout(300)

WAIT = 60.0
DELAYED = queue_for(0.5)


async def until(true: Callable[[], object], what: str) -> None:
    """Look until it is so: there is no event for it to wait for."""
    deadline = time.monotonic() + WAIT
    while not await asyncio.to_thread(true):
        assert time.monotonic() < deadline, f"not within {WAIT:g} s: {what}"
        await asyncio.sleep(0.2)


async def result_of(client: AsyncClient, job_id: str, folder: Path) -> bytes:
    await client.wait(job_id, timeout=WAIT)
    target = folder / job_id
    await client.download(job_id, target)
    return target.read_bytes()


async def begun(client: AsyncClient, job_id: str) -> str:
    """The host that works on a job, as soon as one does."""
    async with asyncio.timeout(WAIT):
        while (job := await client.job(job_id)).state != "STARTED":
            assert job.state in ("PENDING", "RETRY"), job
            await asyncio.sleep(0.05)
    return job.attempts[-1].worker.partition(":")[0]


def messages(stack: Stack, queue: str) -> tuple[int, int]:
    """What the management UI shows of a queue: messages ready, and unacknowledged."""
    told = stack.management(f"queues/{{vhost}}/{queue}")
    return told.get("messages_ready", 0), told.get("messages_unacknowledged", 0)


async def test_a_file_sent_to_the_published_port_comes_back_totalled_and_was_read_in_place(
    stack: Stack, tmp_path: Path
) -> None:
    sample = Sample(tmp_path / "plays.csv", 400_000)
    (processor,) = stack.containers("processor")
    before = stack.received(processor)
    async with AsyncClient(stack.url) as client:
        job_id = await client.upload(sample.path, chunk_size=500_000)
        assert await result_of(client, job_id, tmp_path) == sample.result
    assert stack.received(processor) - before < sample.size / 4


async def test_without_a_shared_volume_the_processor_reads_over_http(
    stack: Stack, tmp_path: Path
) -> None:
    sample = Sample(tmp_path / "plays.csv", 400_000)
    await asyncio.to_thread(stack.renew, "processor", files=(UNSHARED,))
    (processor,) = stack.containers("processor").values()
    assert "/data" not in {mount["Destination"] for mount in processor["Mounts"]}
    name = processor["Config"]["Hostname"]
    before = stack.received(name)
    async with AsyncClient(stack.url) as client:
        job_id = await client.upload(sample.path, chunk_size=500_000)
        assert await result_of(client, job_id, tmp_path) == sample.result
    assert stack.received(name) - before > sample.size
    await asyncio.to_thread(stack.renew, "processor")


async def test_the_proxy_passes_bodies_on_as_they_come(stack: Stack) -> None:
    # Given a body of which the client has sent a part, and keeps the rest to itself
    host, _, port = stack.url.removeprefix("http://").partition(":")
    gateways = stack.containers("gateway")
    before = sum(map(stack.received, gateways))
    _, writer = await asyncio.open_connection(host, int(port))
    part = 500_000
    writer.write(
        b"POST /api/upload_file HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    )
    writer.write(b"x" * part)
    # Then that part comes to a gateway all the same
    await until(lambda: sum(map(stack.received, gateways)) - before >= part, "the gateway has it")
    writer.close()


async def test_metrics_are_not_public(stack: Stack) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{stack.url}/metrics") as response:
        assert response.status == 404


async def test_a_processor_killed_in_mid_job_is_restarted_and_its_job_done_again(
    stack: Stack, tmp_path: Path
) -> None:
    sample = Sample(tmp_path / "plays.csv", 1_000_000, slow=True)
    async with AsyncClient(stack.url) as client:
        job_id = await client.upload(sample.path)
        host = await begun(client, job_id)
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
    await until(lambda: len(stack.management("consumers/{vhost}")) == 3, "all of them consume")
    worked = set()
    async with AsyncClient(stack.url) as client:
        job_ids = await asyncio.gather(*(client.upload(sample.path) for _ in range(9)))
        for job_id in job_ids:
            assert await result_of(client, job_id, tmp_path) == sample.result
            worked |= {a.worker.partition(":")[0] for a in (await client.job(job_id)).attempts}
    assert worked == hosts
    await asyncio.to_thread(stack.renew, "processor", processor=1)


async def test_both_gateways_are_used_and_the_loss_of_one_costs_no_upload(
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
        # One is killed while it takes chunks; its container comes back by itself
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
    slow = Sample(tmp_path / "slow.csv", 600_000, slow=True)
    sample = Sample(tmp_path / "plays.csv", 1_000)
    async with AsyncClient(stack.url, retries=Retries(attempts=20)) as client:
        running = await client.upload(slow.path)
        await begun(client, running)
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


async def test_the_broker_has_one_user_and_the_queues_of_the_topology(stack: Stack) -> None:
    (user,) = stack.management("users")
    assert user["name"] == "csvmill"
    (permission,) = stack.management("permissions")
    assert (permission["user"], permission["vhost"]) == ("csvmill", "csvmill")
    queues = {queue["name"]: queue for queue in stack.management("queues/{vhost}")}
    assert set(queues) == {spec.name for spec in QUEUES}
    for spec in QUEUES:
        assert queues[spec.name]["arguments"] == dict(spec.arguments)
        assert queues[spec.name]["type"] == "quorum"
        assert queues[spec.name]["durable"]


async def test_waiting_and_running_jobs_can_be_told_apart_in_the_management_ui(
    stack: Stack, tmp_path: Path
) -> None:
    # Given a job that cannot finish, as storage does not take its result, and one behind it
    sample = Sample(tmp_path / "plays.csv", 1_000)
    slow = Sample(tmp_path / "slow.csv", 300_000, slow=True)
    async with AsyncClient(stack.url) as client:
        running = await client.upload(slow.path)
        waiting = await client.upload(sample.path)
        stack.compose("pause", "storage")
        try:
            await until(lambda: messages(stack, WAITING) == (1, 1), "one ready, one unacked")
        finally:
            stack.compose("unpause", "storage")
        assert await result_of(client, running, tmp_path) == slow.result
        assert await result_of(client, waiting, tmp_path) == sample.result


async def test_what_is_dead_lettered_says_where_it_has_been(stack: Stack) -> None:
    # Given a wake-up for a job that nobody knows, and one that nobody can read, both delayed
    hopeless = {WakeUp(uuid4()).encode().decode(), "not a wake-up"}
    for payload in hopeless:
        publish(stack, DELAYED, payload)
    letters: list[dict[str, Any]] = []

    def found() -> bool:
        letters.extend(
            stack.management(
                f"queues/{{vhost}}/{DEAD}/get",
                method="POST",
                body={"count": 5, "ackmode": "ack_requeue_false", "encoding": "auto"},
            )
        )
        return len(letters) >= len(hopeless)

    await until(found, "both are dead-lettered")
    assert {letter["payload"] for letter in letters} == hopeless
    for letter in letters:
        deaths = letter["properties"]["headers"]["x-death"]
        assert [(death["queue"], death["reason"]) for death in deaths] == [
            (WAITING, "rejected"),
            (DELAYED, "expired"),
        ]


async def test_a_wake_up_that_keeps_coming_back_ends_among_the_dead_letters(stack: Stack) -> None:
    # Given no processor, and somebody who returns the wake-up each time
    stack.compose("stop", "processor")
    payload = WakeUp(uuid4()).encode().decode()
    publish(stack, WAITING, payload)

    def returned() -> int:
        return len(
            stack.management(
                f"queues/{{vhost}}/{WAITING}/get",
                method="POST",
                body={"count": 1, "ackmode": "reject_requeue_true", "encoding": "auto"},
            )
        )

    returns = 0
    while await asyncio.to_thread(returned):
        returns += 1
        assert returns <= DELIVERY_LIMIT + 1
    assert returns == DELIVERY_LIMIT + 1
    (letter,) = stack.management(
        f"queues/{{vhost}}/{DEAD}/get",
        method="POST",
        body={"count": 5, "ackmode": "ack_requeue_false", "encoding": "auto"},
    )
    assert letter["payload"] == payload
    assert letter["properties"]["headers"]["x-death"][0]["reason"] == "delivery_limit"
    stack.compose("start", "processor")


def publish(stack: Stack, queue: str, payload: str) -> None:
    answer = stack.management(
        f"exchanges/{{vhost}}/{EXCHANGE}/publish",
        method="POST",
        body={
            "routing_key": queue,
            "payload": payload,
            "payload_encoding": "string",
            "properties": {
                "delivery_mode": 2,
                **({"expiration": "500"} if queue == DELAYED else {}),
            },
        },
    )
    assert answer == {"routed": True}


async def test_our_containers_hold_no_rights_and_the_image_no_secrets(stack: Stack) -> None:
    script = (
        "import os, json\n"
        "status = dict(l.split(':', 1) for l in open('/proc/self/status'))\n"
        "print(json.dumps([os.getuid(), int(status['CapBnd'], 16), int(status['NoNewPrivs']),"
        " os.access('/', os.W_OK), os.statvfs('/').f_flag & os.ST_RDONLY]))"
    )
    for service in ("gateway", "storage", "processor"):
        for name in stack.containers(service):
            uid, capabilities, no_new_privileges, writable, read_only = json.loads(
                stack.run_in(name, script)
            )
            assert uid != 0
            assert (capabilities, no_new_privileges, writable) == (0, 1, False)
            assert read_only
    (image,) = json.loads(docker("image", "inspect", stack.image))
    history = docker("history", "--no-trunc", "--format={{.CreatedBy}}", stack.image)
    for secret in ("PASSWORD", "TOKEN", "INDEX_URL", "://"):
        assert secret not in str(image["Config"]["Env"])
        assert secret not in history


async def test_down_leaves_nothing(stack: Stack) -> None:
    stack.down()
    label = f"label=com.docker.compose.project={stack.project}"
    for kind in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
        assert docker(*kind, "--quiet", "--filter", label) == ""
    assert docker("images", "--quiet", stack.image) == ""
