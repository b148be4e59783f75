"""Takes due notifications from the database, sends them, and records what became of each.

Any number of processors share the work. If one is killed, what it held is due again when its time
is over, and another sends it: so each notification is sent at least once, with the same id.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from typing import TYPE_CHECKING

from processor.attempt.backoff import until_answered
from processor.maintenance.periodic import run_periodically
from processor.notifications.message import content_of, fields_of
from processor.notifications.sender import Answer
from shared.api.job_view import shown_attempts
from shared.errors import CsvmillError, JobNotFound
from shared.telemetry.ids import also_bound_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from processor.events import ProcessorEvents
    from processor.notifications.sender import Sender
    from shared.access.tenant import Tenant
    from shared.jobs.notification import Notification
    from shared.ports import JobStore

SLOTS = 32
"""Messages that one process sends at a time."""
TENANT_SLOTS = 4
"""Those of one tenant, whose receivers may be slow, after which no more of it are taken."""
HELD_FOR = 3.0
"""For how many times the timeout of a message its notification is held."""
JITTER = 0.2
"""By which part of it a delay is longer or shorter, so that receivers are not asked in waves."""
REMOVED_AT_ONCE = 1000

log = logging.getLogger(__name__)


class Dispatcher:
    """The background task that sends notifications."""

    def __init__(
        self,
        jobs: JobStore,
        sender: Sender,
        events: ProcessorEvents,
        *,
        delays: Sequence[float],
        timeout: float,
        interval: float,
        ttl: float,
        clock: Callable[[], float],
    ) -> None:
        """All times are in seconds.

        `delays` are those after the first failure, the second, and so on: after one more it is
        given up. `timeout` is that of `sender`. Every `interval` the database is asked for due
        notifications. Those that have ended are kept for `ttl`.
        """
        self._jobs = jobs
        self._sender = sender
        self._events = events
        self._delays = delays
        self._timeout = timeout
        self._interval = interval
        self._ttl = ttl
        self._clock = clock
        self._sending: dict[asyncio.Task[None], Tenant] = {}

    async def run(self) -> None:
        """Send what is due until cancelled. Survives outages."""
        async with self._sender:
            try:
                await run_periodically("notifications", self.send_due, interval=self._interval)
            finally:
                for task in self._sending:
                    task.cancel()
                if self._sending:
                    await asyncio.wait(self._sending)

    async def send_due(self) -> None:
        """Begin to send what is due; return when nothing is left to take. Raises Unavailable."""
        while True:
            busy = [
                tenant
                for tenant, count in Counter(self._sending.values()).items()
                if count >= TENANT_SLOTS
            ]
            free = SLOTS - len(self._sending)
            taken: Sequence[Notification] = ()
            if free > 0:
                taken = await self._take(min(free, TENANT_SLOTS), busy)
                for notification in taken:
                    self._begin(notification)
            if taken:
                continue
            if not busy and free > 0:
                return
            if self._sending:  # they may have ended while the database was asked
                await asyncio.wait(
                    self._sending, timeout=self._interval, return_when=asyncio.FIRST_COMPLETED
                )

    async def remove_old(self) -> None:
        """Remove those that ended long ago. Raises DatabaseUnavailable."""
        while await self._jobs.notifications.remove_ended(
            before=self._clock() - self._ttl, limit=REMOVED_AT_ONCE
        ):
            pass

    async def _take(self, limit: int, busy: Sequence[Tenant]) -> Sequence[Notification]:
        now = self._clock()
        return await self._jobs.notifications.take(
            now=now, held_until=now + HELD_FOR * self._timeout, limit=limit, but=busy
        )

    def _begin(self, notification: Notification) -> None:
        task = asyncio.create_task(self._deliver(notification))
        self._sending[task] = notification.tenant
        task.add_done_callback(lambda done: self._sending.pop(done, None))

    async def _deliver(self, notification: Notification) -> None:
        with also_bound_ids(job_id=notification.job_id, tenant=notification.tenant):
            try:
                await self._record(notification, await self._send(notification))
            except CsvmillError as error:
                # It is due again when its time is over.
                log.warning("notification %s is left for later: %s", notification.id, error)
            except Exception:
                log.exception("notification %s is left for later", notification.id)

    async def _send(self, notification: Notification) -> Answer:
        try:
            job = await self._jobs.get(notification.job_id)
        except JobNotFound as error:
            return Answer(None, str(error))
        secret = await self._jobs.access.webhooks.of_tenant(notification.tenant)
        if secret is None:
            return Answer(None, "the tenant has no secret to sign with")
        attempts = await shown_attempts(self._jobs, [job])
        content = content_of(notification, job, attempts.get(job.id, ()))
        now = self._clock()
        fields = fields_of(notification, content, secret.valid(now), now)
        return await self._sender.send(notification.url, content, fields)

    async def _record(self, notification: Notification, answer: Answer) -> None:
        store, now, status = self._jobs.notifications, self._clock(), answer.status
        error = answer.error
        if error is None:
            assert status is not None  # noqa: S101  (there is no delivery without an answer)
            await until_answered(lambda: store.delivered(notification, status=status, now=now))
            self._events.notification_delivered(notification)
        elif answer.is_final or notification.failures >= len(self._delays):
            if await store.give_up(notification, error, status=status, now=now):
                self._events.notification_given_up(notification, error)
        else:
            delay = self._delays[notification.failures] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
            due_at = now + max(delay, answer.retry_after)
            if await store.postpone(notification, error, status=status, due_at=due_at):
                self._events.notification_postponed(notification, error, due_at - now)
