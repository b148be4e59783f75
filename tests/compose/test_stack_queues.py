"""The queues of the stack in RabbitMQ's management UI, and dead letters."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from csvmill.client import AsyncClient
from processor.settings import ProcessorSettings
from shared.bus.topology import DEAD, DELIVERY_LIMIT, EXCHANGE, QUEUES, SMALL, WAITING, queue_for
from shared.jobs.wake_up import WakeUp
from tests.compose.files import Sample
from tests.compose.waiting import documented, messages, result_of, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compose.stack import Stack

DELAYED = queue_for(0.5)
RETRYING = queue_for(ProcessorSettings.model_fields["retry_delay"].default)


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
    # Given a small job that cannot finish, because storage hangs, and a second one in the queue
    sample = Sample(tmp_path / "plays.csv", 1_000)
    slow = Sample(tmp_path / "slow.csv", 3_000_000, slow=True)
    async with AsyncClient(stack.url) as client:
        running = await client.upload(slow.path)
        waiting = await client.upload(sample.path)
        stack.compose("pause", "storage")
        try:
            await until(lambda: messages(stack, SMALL) == (1, 1), "one ready, one unacked")
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
