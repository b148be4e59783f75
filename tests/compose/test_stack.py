"""The stack of docker-compose.yml: uploads, crashes, scaling, restarts and removal.

Each test starts and ends with two gateways, one processor and all services healthy. The last one
removes everything.
"""

from __future__ import annotations

import asyncio
import json
import re
import textwrap
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import aiohttp
import pytest
from yarl import URL

from csvmill.client import AsyncClient, Retries
from processor.settings import ProcessorSettings
from shared.bus.topology import DEAD, DELIVERY_LIMIT, EXCHANGE, QUEUES, WAITING, queue_for
from shared.jobs.wake_up import WakeUp
from tests.compose.files import Sample
from tests.compose.stack import ROOT, UNSHARED, docker
from tests.queries import alert_rules, queries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.compose.stack import Stack

# The first test includes building the image and starting the stack.
pytestmark = pytest.mark.timeout(300)

WAIT = 60.0
DELAYED = queue_for(0.5)
RETRYING = queue_for(ProcessorSettings.model_fields["retry_delay"].default)


def documented(heading: str) -> list[str]:
    """Return the command blocks of a section of docs/operations.md."""
    _, _, section = (ROOT / "docs/operations.md").read_text().partition(f"\n{heading}\n")
    section = section.partition("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)
    assert blocks
    return [textwrap.dedent(block) for block in blocks]


async def until(condition: Callable[[], object], what: str) -> None:
    """Poll `condition` until it is true: no event reports it."""
    deadline = time.monotonic() + WAIT
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"did not happen within {WAIT:g} s: {what}"
        await asyncio.sleep(0.2)


async def result_of(client: AsyncClient, job_id: str, folder: Path) -> bytes:
    await client.wait(job_id, timeout=WAIT)
    target = folder / job_id
    await client.download(job_id, target)
    return target.read_bytes()


async def started_on(client: AsyncClient, job_id: str) -> str:
    """Wait until a job has started; return the host that runs it."""
    async with asyncio.timeout(WAIT):
        while (job := await client.job(job_id)).state != "STARTED":
            assert job.state in ("PENDING", "RETRY"), job
            await asyncio.sleep(0.05)
    return job.attempts[-1].worker.partition(":")[0]


def messages(stack: Stack, queue: str) -> tuple[int, int]:
    """Return the numbers of ready and unacknowledged messages that the management UI shows."""
    shown = stack.management(f"queues/{{vhost}}/{queue}")
    return shown.get("messages_ready", 0), shown.get("messages_unacknowledged", 0)


async def test_a_file_sent_to_the_published_port_is_aggregated_and_read_in_place(
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


async def test_the_proxy_forwards_bodies_without_buffering(stack: Stack) -> None:
    # Given a client that has sent only a part of a body
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
    # Then a gateway receives that part
    await until(
        lambda: sum(map(stack.received, gateways)) - before >= part, "a gateway received the part"
    )
    writer.close()


@pytest.mark.parametrize("path", ["/metrics", "/metrics?x", "/%6detrics", "/metrics/"])
async def test_metrics_are_not_public(stack: Stack, path: str) -> None:
    url = URL(stack.url + path, encoded=True)
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 404


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
    await until(lambda: len(stack.management("consumers/{vhost}")) == 3, "all three consume")
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


async def test_the_management_ui_distinguishes_waiting_from_running_jobs(
    stack: Stack, tmp_path: Path
) -> None:
    # Given a job that cannot finish, because storage hangs, and a second job in the queue
    sample = Sample(tmp_path / "plays.csv", 1_000)
    slow = Sample(tmp_path / "slow.csv", 3_000_000, slow=True)
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


async def test_retrying_and_dead_lettered_jobs_are_distinguished_and_requeued_as_documented(
    stack: Stack, tmp_path: Path
) -> None:
    # Given a job whose engine is killed in each attempt
    sample = Sample(tmp_path / "plays.csv", 1_000_000, slow=True)
    (processor,) = stack.containers("processor")
    killing = asyncio.create_task(asyncio.to_thread(stack.kill_engines, processor, 3))

    def shown() -> tuple[tuple[int, int], ...]:
        # RabbitMQ updates the figures of each queue separately: they may differ for a moment.
        return tuple(messages(stack, queue) for queue in (RETRYING, WAITING, DEAD))

    async with AsyncClient(stack.url) as client:
        job_id = await client.upload(sample.path)
        # Then only the retry queue shows that it waits for its next attempt
        await until(lambda: shown() == ((1, 0), (0, 0), (0, 0)), "only it is delayed")
        # And after the last attempt only the dead-letter queue has it
        await until(lambda: shown() == ((0, 0), (0, 0), (1, 0)), "only it is dead-lettered")
        assert await killing == 3
        # When the dead letters are requeued as docs/operations.md says
        status, _, requeue = documented("## Dead letters")
        printed = stack.shell(status.replace("ID", job_id), tmp_path)
        assert printed.count("killed by SIGKILL") == 1 + 3  # once for the job and each attempt
        stack.shell(requeue, tmp_path)
        # Then the job succeeds
        assert await result_of(client, job_id, tmp_path) == sample.result
    await until(lambda: messages(stack, DEAD) == (0, 0), "no dead letter is left")


async def test_a_backup_is_restored_as_documented_with_its_jobs_and_results(
    stack: Stack, tmp_path: Path
) -> None:
    # Given a finished job
    sample = Sample(tmp_path / "plays.csv", 1_000)
    backup, restore = documented("## Back up and restore")
    async with AsyncClient(stack.url) as client:
        job_id = await client.upload(sample.path)
        assert await result_of(client, job_id, tmp_path) == sample.result
        # When the stack is backed up, removed with its volumes, and restored
        await asyncio.to_thread(stack.shell, backup, tmp_path)
        assert (tmp_path / "backup/blobs.tar").stat().st_size > sample.size
        await asyncio.to_thread(stack.compose, "down", "--volumes")
        await asyncio.to_thread(stack.shell, restore, tmp_path)
        await asyncio.to_thread(stack.up, gateway=2)
        # Then the result can be downloaded, and new jobs succeed
        (tmp_path / job_id).unlink()
        assert await result_of(client, job_id, tmp_path) == sample.result
        assert await result_of(client, await client.upload(sample.path), tmp_path) == sample.result


async def test_a_dead_letter_shows_the_queues_it_was_in(stack: Stack) -> None:
    # Given a wake-up for an unknown job, and an unreadable one, both delayed
    payloads = {WakeUp(uuid4()).encode().decode(), "not a wake-up"}
    for payload in payloads:
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
        return len(letters) >= len(payloads)

    await until(found, "both are dead-lettered")
    assert {letter["payload"] for letter in letters} == payloads
    for letter in letters:
        deaths = letter["properties"]["headers"]["x-death"]
        assert [(death["queue"], death["reason"]) for death in deaths] == [
            (WAITING, "rejected"),
            (DELAYED, "expired"),
        ]


async def test_a_wake_up_that_is_requeued_too_often_is_dead_lettered(stack: Stack) -> None:
    # Given no processor, and a consumer that rejects the wake-up each time
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


async def test_our_containers_have_no_privileges_and_the_image_no_secrets(stack: Stack) -> None:
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


async def test_prometheus_scrapes_every_service_and_evaluates_every_query(stack: Stack) -> None:
    up = ("--profile=observability", "up", "--detach", "--no-deps", "prometheus")
    await asyncio.to_thread(stack.compose, *up)
    async with aiohttp.ClientSession(stack.prometheus) as session:

        async def get(path: str, **query: str) -> Any:
            async with session.get(f"/api/v1/{path}", params=query) as response:
                answer = await response.json()
            assert answer["status"] == "success", (query, answer)
            return answer["data"]

        # Then it finds both gateways, and one target of each other service
        targets: list[str] = []
        async with asyncio.timeout(WAIT):
            while targets != ["gateway", "gateway", "processor", "rabbitmq", "storage"]:
                with suppress(aiohttp.ClientConnectionError):
                    found = (await get("targets"))["activeTargets"]
                    targets = sorted(one["scrapePool"] for one in found if one["health"] == "up")
                await asyncio.sleep(0.2)
        # And it has loaded every alert rule
        (group,) = (await get("rules"))["groups"]
        names = {rule["name"] for rule in group["rules"]}
        assert names == {rule["alert"] for rule in alert_rules()}
        assert all(rule["health"] != "err" for rule in group["rules"])
        # And it evaluates every query of the dashboard; gauges have a value at once
        for title, expression in queries():
            expression = expression.replace("$__rate_interval", "5m")
            found = await get("query", query=expression)
            assert found["resultType"] in ("vector", "scalar"), title
        assert (await get("query", query="csvmill_storage_free_bytes"))["result"]
    remove = ("--profile=observability", "rm", "--stop", "--force", "prometheus")
    await asyncio.to_thread(stack.compose, *remove)


async def test_down_removes_everything(stack: Stack) -> None:
    stack.down()
    label = f"label=com.docker.compose.project={stack.project}"
    for kind in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
        assert docker(*kind, "--quiet", "--filter", label) == ""
    assert docker("images", "--quiet", stack.image) == ""
