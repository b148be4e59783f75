"""Webhooks of real services, whose processors are killed before, while and after they send.

No notification is lost, and what is sent twice has the same id.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from shared.access.audit import Action, AuditEntry
from shared.access.tenant import DEFAULT_TENANT
from shared.access.webhook_secrets import new_secret
from shared.jobs.notification import NotificationFilter, NotificationState
from tests.contract.job_stores import make_job
from tests.integration.plays import PLAYS
from tests.services import listening, until
from tests.webhooks import REACHABLE, Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from shared.jobs.notification import Notification
    from shared.jobs.store import SqlJobStore
    from tests.processes import ServiceProcess
    from tests.services import Services

WAIT = 60.0
HELD = 3.0
"""Seconds for which a processor of these tests holds a notification: three times its timeout."""
SENDING = {
    **REACHABLE,
    "notify_interval": 0.1,
    "notify_timeout": HELD / 3,
    "notify_delays": ",".join(["0.1"] * 50),
}
NOT_SENDING = {**REACHABLE, "notify_interval": 3600}
"""Settings of a processor that asks for due notifications once, before there are any."""


@dataclass(frozen=True)
class Hook:
    """A receiver, and the secret that it shares with the service."""

    receiver: Receiver
    secret: str

    def by_id(self) -> dict[str, list[Any]]:
        """Return the messages that were received, by id; all are signed."""
        found = defaultdict(list)
        for received in self.receiver.received:
            assert received.signed_by(self.secret)
            found[received.id].append(received.message)
        return dict(found)


@pytest.fixture
async def hook(store: SqlJobStore) -> AsyncIterator[Hook]:
    """A receiver, with a secret of its own. All notifications of earlier tests are gone."""
    await store.notifications.remove_ended(before=time.time() + 1, limit=10_000)
    secret = new_secret()
    entry = AuditEntry(time.time(), DEFAULT_TENANT, None, "local", Action.WEBHOOKS_ROTATED, "x")
    await store.access.webhooks.rotate(
        DEFAULT_TENANT, secret, entry, previous_until=time.time() - 1
    )
    async with Receiver() as receiver:
        yield Hook(receiver, secret)


@pytest.fixture
def gateway_url(services: Services) -> Iterator[str]:
    """The URL of a gateway that lets jobs name the receiver."""
    with services.gateway(**REACHABLE) as process:
        yield process.url


async def upload(gateway_url: str, hook: Hook, data: bytes = PLAYS) -> str:
    """Upload a file whose job tells the receiver; return the path of the job."""
    query = {"name": "plays.csv", "notify": hook.receiver.url}
    async with (
        aiohttp.ClientSession() as session,
        session.put(f"{gateway_url}/api/v1/uploads", params=query, data=BytesIO(data)) as response,
    ):
        assert response.status == 201, await response.text()
        return response.headers["Csvmill-Job"]


async def all_of(store: SqlJobStore) -> Sequence[Notification]:
    return await store.notifications.newest(NotificationFilter(), limit=1000)


async def until_delivered(store: SqlJobStore, count: int) -> Sequence[Notification]:
    """Wait until this many notifications, and no others, are delivered; return them."""

    async def delivered() -> bool:
        states = Counter(each.state for each in await all_of(store))
        return states == {NotificationState.DELIVERED: count}

    await until(delivered, timeout=WAIT)
    return await all_of(store)


async def ended_jobs(store: SqlJobStore, hook: Hook, count: int) -> set[str]:
    """End jobs that tell the receiver; return their ids."""
    found = set()
    for _ in range(count):
        job = await make_job(store, notify=[hook.receiver.url])
        await store.cancel(job.id, now=time.time())
        found.add(str(job.id))
    return found


async def test_a_receiver_is_told_of_a_job_with_its_result(
    services: Services, gateway_url: str, store: SqlJobStore, hook: Hook
) -> None:
    with services.processor(**SENDING):
        path = await upload(gateway_url, hook)
        broken = await upload(gateway_url, hook, PLAYS + b"a,b\n")
        await until_delivered(store, 2)
    by_type = {each.message["type"]: each.message for each in hook.receiver.received}
    assert len(hook.by_id()) == len(hook.receiver.received) == 2
    assert by_type["job.succeeded"]["data"]["id"] in path
    assert by_type["job.succeeded"]["data"]["result"]["size"] > 0
    assert by_type["job.failed"]["data"]["id"] in broken
    assert by_type["job.failed"]["data"]["problem_count"] == 1
    async with aiohttp.ClientSession() as session, session.get(f"{gateway_url}{path}") as response:
        shown = await response.json()
    assert by_type["job.succeeded"]["data"] == shown
    assert by_type["job.succeeded"]["timestamp"] == shown["finished_at"]


async def test_an_outcome_is_told_although_its_processor_was_killed_right_afterwards(
    services: Services, gateway_url: str, store: SqlJobStore, hook: Hook
) -> None:
    with services.processor(**NOT_SENDING) as process:
        listening(process)
        await upload(gateway_url, hook)

        async def stored() -> bool:
            return bool(await all_of(store))

        await until(stored, timeout=WAIT)
        process.kill()
    (waiting,) = await all_of(store)
    assert (waiting.state, waiting.attempts) == (NotificationState.PENDING, 0)
    with services.processor(**SENDING):
        await until_delivered(store, 1)
    assert {id_: len(all_) for id_, all_ in hook.by_id().items()} == {waiting.id: 1}


async def test_a_message_is_sent_again_with_its_id_if_the_processor_was_killed_before_the_record(
    services: Services, store: SqlJobStore, hook: Hook
) -> None:
    (job_id,) = await ended_jobs(store, hook, 1)
    hook.receiver.may_answer.clear()
    with services.processor(**SENDING) as process:
        # The receiver has the message, and the processor does not know it.
        first = await asyncio.wait_for(hook.receiver.arrived.get(), WAIT)
        process.kill()
    hook.receiver.may_answer.set()
    (held,) = await all_of(store)
    assert (held.state, held.attempts, held.failures) == (NotificationState.PENDING, 1, 0)
    with services.processor(**SENDING):
        (found,) = await until_delivered(store, 1)
    assert found.attempts == 2
    sent = hook.by_id()
    assert set(sent) == {first.id}
    assert len(sent[first.id]) == 2
    assert {each["data"]["id"] for each in sent[first.id]} == {job_id}


async def test_processors_share_the_work_and_send_nothing_twice(
    services: Services, store: SqlJobStore, hook: Hook
) -> None:
    expected = await ended_jobs(store, hook, 60)
    with services.processor(**SENDING), services.processor(**SENDING):
        found = await until_delivered(store, 60)
    sent = hook.by_id()
    assert {id_: len(all_) for id_, all_ in sent.items()} == {each.id: 1 for each in found}
    assert {all_[0]["data"]["id"] for all_ in sent.values()} == expected


async def test_none_is_lost_while_processors_are_killed_again_and_again(
    services: Services,
    store: SqlJobStore,
    hook: Hook,
    record_property: Callable[[str, object], None],
) -> None:
    count, kills = 60, 6
    expected = await ended_jobs(store, hook, count)
    hook.receiver.answers = [web.Response(status=503) for _ in range(count // 3)]
    with ExitStack() as stack:

        def start() -> ServiceProcess:
            return stack.enter_context(services.processor(**SENDING))

        running = [start(), start()]
        for number in range(kills):
            # While some messages are received and not answered.
            hook.receiver.may_answer.clear()
            for _ in range(4):
                await asyncio.wait_for(hook.receiver.arrived.get(), WAIT)
            running[number % 2].kill()
            running[number % 2] = start()
            hook.receiver.may_answer.set()
        found = await until_delivered(store, count)
    sent = hook.by_id()
    assert set(sent) == {each.id for each in found}
    for notification in found:
        messages = sent[notification.id]
        assert {each["data"]["id"] for each in messages} == {str(notification.job_id)}
    assert {str(each.job_id) for each in found} == expected
    record_property(
        "figures",
        f"{count} notifications, {kills} kills of processors: 0 lost, "
        f"{len(hook.receiver.received)} messages received with {len(sent)} ids",
    )


async def test_a_receiver_that_comes_back_is_told_what_it_has_missed(
    services: Services, store: SqlJobStore, hook: Hook
) -> None:
    port = hook.receiver.port
    await hook.receiver.__aexit__(None, None, None)
    expected = await ended_jobs(store, hook, 5)
    with services.processor(**SENDING):

        async def failed() -> bool:
            return all(each.failures for each in await all_of(store))

        await until(failed, timeout=WAIT)
        async with Receiver(port) as back:
            await until_delivered(store, 5)
            assert {each.message["data"]["id"] for each in back.received} == expected


async def test_the_standalone_service_tells_after_a_kill_what_it_had_not_recorded(
    start_process: Callable[..., ServiceProcess], tmp_path: Any
) -> None:
    settings = {f"CSVMILL_{name.upper()}": str(value) for name, value in SENDING.items()}

    def start() -> ServiceProcess:
        arguments = ("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
        return start_process("csvmill", *arguments, env={"CSVMILL_THREADS": "1", **settings})

    async with Receiver() as receiver, aiohttp.ClientSession() as session:
        receiver.may_answer.clear()
        process = start()
        async with session.post(f"{process.url}/api/v1/webhooks/secret") as response:
            secret = (await response.json())["secret"]
        hook = Hook(receiver, secret)
        path = await upload(process.url, hook)
        first = await asyncio.wait_for(receiver.arrived.get(), WAIT)
        process.kill()
        receiver.may_answer.set()
        process = start()
        second = await asyncio.wait_for(receiver.arrived.get(), WAIT)
        assert second.id == first.id
        assert second.message["data"]["id"] in path

        async def recorded() -> bool:
            async with session.get(f"{process.url}/api/v1/notifications") as response:
                (shown,) = (await response.json())["notifications"]
            return (shown["id"], shown["state"]) == (first.id, "delivered")

        await until(recorded, timeout=WAIT)
        assert len(hook.by_id()[first.id]) == 2
