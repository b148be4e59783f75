"""Dispatch of notifications from a database to a receiver, with a clock of the test."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from processor.events import ProcessorEvents
from processor.notifications.dispatcher import JITTER, SLOTS, TENANT_SLOTS, Dispatcher
from processor.notifications.sender import Sender
from shared.access.audit import Action, AuditEntry
from shared.access.tenant import Tenant
from shared.api.job import JobView
from shared.errors import DatabaseUnavailable
from shared.http.outgoing import HTTP_TOO, OutgoingPolicy
from shared.jobs.notification import Notification, NotificationFilter, NotificationState
from shared.jobs.store import open_job_store
from shared.telemetry.metrics import Metrics
from tests.contract.job_stores import make_job, result_of
from tests.webhooks import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore

LOCAL = OutgoingPolicy(HTTP_TOO, (ip_network("127.0.0.0/8"),))
DELAYS = (10.0, 100.0, 1000.0)
TIMEOUT = 20.0
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEWER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ACME = Tenant("acme")


class RecordedEvents(ProcessorEvents):
    """Puts the outcome of each message into a queue."""

    def __init__(self) -> None:
        super().__init__(Metrics("processor"))
        self.outcomes: asyncio.Queue[str] = asyncio.Queue()

    def notification_delivered(self, notification: Notification) -> None:
        super().notification_delivered(notification)
        self.outcomes.put_nowait("delivered")

    def notification_postponed(self, notification: Notification, error: str, delay: float) -> None:
        super().notification_postponed(notification, error, delay)
        self.outcomes.put_nowait("postponed")

    def notification_given_up(self, notification: Notification, error: str) -> None:
        super().notification_given_up(notification, error)
        self.outcomes.put_nowait("given up")


@dataclass
class Bench:
    """A dispatcher, and what is around it."""

    store: SqlJobStore
    receiver: Receiver
    now: float = 1_700_000_000.0
    events: RecordedEvents = field(default_factory=RecordedEvents)

    def make(self, sender: Sender | None = None) -> Dispatcher:
        """Return a dispatcher, by a sender of its own that is not open unless one is given."""
        return Dispatcher(
            self.store,
            sender or Sender(LOCAL, timeout=TIMEOUT, connections=SLOTS),
            self.events,
            delays=DELAYS,
            timeout=TIMEOUT,
            interval=0.05,
            ttl=1000.0,
            clock=lambda: self.now,
        )

    @asynccontextmanager
    async def dispatcher(self) -> AsyncIterator[Dispatcher]:
        """Yield a dispatcher whose sender is open."""
        async with Sender(LOCAL, timeout=TIMEOUT, connections=SLOTS) as sender:
            yield self.make(sender)

    async def ended_job(self, tenant: Tenant = ACME, url: str | None = None) -> Job:
        """Make a job that succeeds now."""
        job = await make_job(self.store, tenant=tenant, notify=[url or self.receiver.url])
        await self.store.claim(job.id, worker="w", lease_until=self.now, now=self.now)
        await self.store.succeed(job.id, 1, result_of(job.id, 1), now=self.now)
        return await self.store.get(job.id)

    async def rotate(self, secret: str, tenant: Tenant = ACME) -> None:
        entry = AuditEntry(self.now, tenant, None, "local", Action.WEBHOOKS_ROTATED, tenant)
        await self.store.access.webhooks.rotate(
            tenant, secret, entry, previous_until=self.now + 3600.0
        )

    async def all(self) -> list[Notification]:
        return list(await self.store.notifications.newest(NotificationFilter(), limit=100))

    async def only(self) -> Notification:
        (found,) = await self.all()
        return found


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_job_store(f"sqlite:///{tmp_path / 'jobs'}") as store, Receiver() as receiver:
        bench = Bench(store, receiver)
        await bench.rotate(SECRET)
        yield bench


async def test_an_outcome_is_delivered_with_a_signature_and_the_job(bench: Bench) -> None:
    job = await bench.ended_job()
    async with bench.dispatcher() as dispatcher:
        await dispatcher.send_due()
        assert await bench.events.outcomes.get() == "delivered"
    (received,) = bench.receiver.received
    assert received.signed_by(SECRET)
    assert not received.signed_by(NEWER)
    assert received.headers["webhook-timestamp"] == "1700000000"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"].startswith("csvmill/")
    assert received.message["type"] == "job.succeeded"
    assert received.message["timestamp"] == "2023-11-14T22:13:20.000Z"
    shown = JobView.of(received.message["data"])
    assert (shown.id, shown.state, shown.filename) == (str(job.id), "SUCCESS", "plays.csv")
    assert len(shown.attempts) == 1
    found = await bench.only()
    assert (found.id, found.state, found.status) == (received.id, NotificationState.DELIVERED, 204)


async def test_the_message_names_no_path_of_a_receiver(bench: Bench) -> None:
    await bench.ended_job(url=f"{bench.receiver.url}/hidden?token=hidden")
    async with bench.dispatcher() as dispatcher:
        await dispatcher.send_due()
        received = await bench.receiver.arrived.get()
        await bench.events.outcomes.get()
    assert received.path == "/hook/hidden?token=hidden"
    assert b"hidden" not in received.body


async def test_both_secrets_sign_until_the_older_one_ends(bench: Bench) -> None:
    await bench.rotate(NEWER)
    async with bench.dispatcher() as dispatcher:
        for expected in ((True, True), (False, True)):
            await bench.ended_job()
            await dispatcher.send_due()
            received = await bench.receiver.arrived.get()
            await bench.events.outcomes.get()
            assert (received.signed_by(SECRET), received.signed_by(NEWER)) == expected
            bench.now += 3600.0


async def test_a_message_is_sent_again_after_each_delay_with_the_same_id_and_then_given_up(
    bench: Bench,
) -> None:
    await bench.ended_job()
    bench.receiver.answers = [web.Response(status=500) for _ in range(4)]
    async with bench.dispatcher() as dispatcher:
        for delay in DELAYS:
            await dispatcher.send_due()
            assert await bench.events.outcomes.get() == "postponed"
            waits = (await bench.only()).due_at - bench.now
            assert delay * (1 - JITTER) <= waits <= delay * (1 + JITTER)
            bench.now += waits - 0.01
            await dispatcher.send_due()
            bench.now += 0.02
        await dispatcher.send_due()
        assert await bench.events.outcomes.get() == "given up"
        bench.now += 1e6
        await dispatcher.send_due()
    assert len(bench.receiver.received) == 4
    found = await bench.only()
    assert {each.id for each in bench.receiver.received} == {found.id}
    assert (found.state, found.failures, found.status) == (NotificationState.FAILED, 4, 500)
    timestamps = [int(each.headers["webhook-timestamp"]) for each in bench.receiver.received]
    assert timestamps == sorted(set(timestamps))
    assert all(each.signed_by(SECRET) for each in bench.receiver.received)


async def test_one_that_was_given_up_is_delivered_after_a_retry(bench: Bench) -> None:
    await bench.ended_job()
    bench.receiver.answers = [web.Response(status=410)]
    async with bench.dispatcher() as dispatcher:
        await dispatcher.send_due()
        assert await bench.events.outcomes.get() == "given up"
        await bench.store.notifications.retry((await bench.only()).id, now=bench.now)
        await dispatcher.send_due()
        assert await bench.events.outcomes.get() == "delivered"
    first, second = bench.receiver.received
    assert first.id == second.id


async def test_a_receiver_that_asks_to_wait_is_left_alone_for_so_long(bench: Bench) -> None:
    await bench.ended_job()
    bench.receiver.answers = [web.Response(status=429, headers={"Retry-After": "500"})]
    async with bench.dispatcher() as dispatcher:
        await dispatcher.send_due()
        assert await bench.events.outcomes.get() == "postponed"
    assert (await bench.only()).due_at == bench.now + 500.0


async def test_a_message_in_progress_is_held_longer_than_it_may_take(bench: Bench) -> None:
    await bench.ended_job()
    bench.receiver.may_answer.clear()
    async with bench.dispatcher() as dispatcher, bench.dispatcher() as other:
        await dispatcher.send_due()
        await bench.receiver.arrived.get()
        bench.now += 2 * TIMEOUT
        await other.send_due()
        assert bench.receiver.arrived.empty()
        bench.now += 2 * TIMEOUT
        await other.send_due()
        await bench.receiver.arrived.get()
        bench.receiver.may_answer.set()
        # Both are told that it was taken; the record is made once.
        assert [await bench.events.outcomes.get() for _ in range(2)] == ["delivered"] * 2
    assert (await bench.only()).state is NotificationState.DELIVERED


async def test_a_slow_receiver_of_one_tenant_does_not_hold_up_the_others(bench: Bench) -> None:
    other = Tenant("other")
    await bench.rotate(NEWER, other)
    async with Receiver() as slow:
        slow.may_answer.clear()
        for _ in range(3 * TENANT_SLOTS):
            await bench.ended_job(url=slow.url)
            bench.now += 1.0
        await bench.ended_job(other)
        async with bench.dispatcher() as dispatcher:
            sending = asyncio.create_task(dispatcher.send_due())
            received = await bench.receiver.arrived.get()
            assert received.signed_by(NEWER)
            assert slow.most_waiting <= 2 * TENANT_SLOTS
            slow.may_answer.set()
            await sending
            for _ in range(3 * TENANT_SLOTS + 1):
                assert await bench.events.outcomes.get() == "delivered"
    assert len({each.id for each in slow.received}) == 3 * TENANT_SLOTS


async def test_many_due_notifications_are_each_delivered_once(bench: Bench) -> None:
    jobs = {str((await bench.ended_job()).id) for _ in range(60)}
    async with bench.dispatcher() as dispatcher:
        await dispatcher.send_due()
        for _ in jobs:
            assert await bench.events.outcomes.get() == "delivered"
    assert sorted(each.message["data"]["id"] for each in bench.receiver.received) == sorted(jobs)


async def test_a_tenant_without_a_secret_is_sent_nothing(bench: Bench) -> None:
    await bench.ended_job(Tenant("bare"))
    async with bench.dispatcher() as dispatcher:
        await dispatcher.send_due()
        assert await bench.events.outcomes.get() == "postponed"
    assert not bench.receiver.received
    assert (await bench.only()).error == "the tenant has no secret to sign with"


async def test_a_record_that_the_database_refuses_is_repeated(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.ended_job()
    record, failures = bench.store.notifications.delivered, [DatabaseUnavailable("away")] * 2

    async def delivered(notification: Notification, *, status: int, now: float) -> None:
        if failures:
            raise failures.pop()
        await record(notification, status=status, now=now)

    monkeypatch.setattr(bench.store.notifications, "delivered", delivered)
    async with bench.dispatcher() as dispatcher:
        await dispatcher.send_due()
        assert await bench.events.outcomes.get() == "delivered"
    assert len(bench.receiver.received) == 1


async def test_it_runs_until_it_is_cancelled_and_ends_what_it_sends(bench: Bench) -> None:
    running = asyncio.create_task(bench.make().run())
    for _ in range(2):
        await bench.ended_job()
        assert await bench.events.outcomes.get() == "delivered"
        await bench.receiver.arrived.get()
    bench.receiver.may_answer.clear()
    await bench.ended_job()
    await bench.receiver.arrived.get()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    # It was not recorded: another processor sends it when its time is over.
    pending = [n for n in await bench.all() if n.state is NotificationState.PENDING]
    assert [n.due_at for n in pending] == [bench.now + 3 * TIMEOUT]


async def test_those_that_ended_long_ago_are_removed(bench: Bench) -> None:
    await bench.ended_job()
    async with bench.dispatcher() as dispatcher:
        await dispatcher.send_due()
        await bench.events.outcomes.get()
        bench.now += 1000.0
        await dispatcher.remove_old()
        assert len(await bench.all()) == 1
        bench.now += 1.0
        await dispatcher.remove_old()
    assert not await bench.all()


async def test_text_of_a_job_that_is_no_unicode_is_escaped(bench: Bench) -> None:
    job = await make_job(
        bench.store, tenant=ACME, notify=[bench.receiver.url], filename="\udcff.csv"
    )
    await bench.store.cancel(job.id, now=bench.now)
    async with bench.dispatcher() as dispatcher:
        await dispatcher.send_due()
        received = await bench.receiver.arrived.get()
        await bench.events.outcomes.get()
    message = json.loads(received.body)
    assert (message["type"], message["data"]["state"]) == ("job.cancelled", "REVOKED")
