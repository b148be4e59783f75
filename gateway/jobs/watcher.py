"""Watches the jobs that clients follow through this gateway, all of them with one query."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import DatabaseUnavailable, TooManySubscriptions, TooManyTenantSubscriptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.jobs.job import Job
    from shared.ports import JobReader

FIRST_PAUSE = 0.05
"""Seconds before the first query after a new subscription. Many jobs end within that time."""
BACKOFF_FACTOR = 1.5
"""The factor by which pauses grow, up to the interval."""
MIN_PAUSE_RATIO = 4
"""A pause is at least this many times as long as the query before it."""
PAUSE_WITHOUT_DATABASE = 2.0
"""Seconds between queries while the database does not answer."""
REMEMBERED = 1024
"""Jobs that have ended lately, and may have done so between being read and being followed."""

log = logging.getLogger(__name__)


class Subscription:
    """One client that follows one job. Holds the latest state of the job that was read."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.closed = False
        """Whether the gateway sends no more changes, although the job has not ended."""
        self._change = asyncio.Event()

    def update(self, job: Job) -> None:
        """Set the state of the job that was read last."""
        if job != self.job:
            self.job = job
            self._change.set()

    def close(self) -> None:
        """End the subscription before the job has ended."""
        self.closed = True
        self._change.set()

    async def changed(self, timeout: float) -> None:
        """Wait until the job has changed, or for `timeout` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._change.wait()
        self._change.clear()


class JobWatcher:
    """Reads the followed jobs from the database, while there are any.

    Accepts at most `limit` subscriptions at a time, and `tenant_limit` to the jobs of one tenant.
    Pauses up to `interval` seconds between queries; the pauses are shorter after a new
    subscription. A job that the store says has ended is read at once.
    """

    def __init__(
        self, jobs: JobReader, *, limit: int, interval: float, tenant_limit: int | None = None
    ) -> None:
        self._jobs = jobs
        self._limit = limit
        self._interval = interval
        self._subscriptions: dict[UUID, set[Subscription]] = {}
        self._count = 0
        self._tenant_limit = tenant_limit
        self._of_tenants: Counter[Tenant] = Counter()
        self._pause = FIRST_PAUSE
        self._new_subscription = asyncio.Event()
        self._ended: set[UUID] = set()
        """Followed jobs that have ended and were not read since."""
        self._recently_ended: deque[UUID] = deque(maxlen=REMEMBERED)
        self._reading: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        """Return the number of subscriptions."""
        return self._count

    @contextmanager
    def subscribe(self, job: Job, *, to_end: bool = False) -> Iterator[Subscription]:
        """Follow a job, from the state that the caller has just read. Raises TooManySubscriptions,
        and TooManyTenantSubscriptions.

        Use it as a context manager. The subscription of a job that has ended is never updated. With
        `to_end`, only the end matters, which the store tells: the job is not queried sooner.
        """
        subscription = Subscription(job)
        if job.state.terminal:
            yield subscription
            return
        if self._closed:
            subscription.close()
            yield subscription
            return
        if self._count >= self._limit:
            raise TooManySubscriptions(
                f"{self._limit} clients already follow jobs through this gateway; try again later, "
                f"or poll /api/v1/jobs/{job.id}"
            )
        if self._tenant_limit is not None and self._of_tenants[job.tenant] >= self._tenant_limit:
            raise TooManyTenantSubscriptions(
                f"{self._tenant_limit} of your clients already follow jobs; end some of them, "
                f"or poll /api/v1/jobs/{job.id}"
            )
        self._count += 1
        self._of_tenants[job.tenant] += 1
        self._subscriptions.setdefault(job.id, set()).add(subscription)
        self._query_soon(hurry=not to_end)
        if job.id in self._recently_ended:
            self.ended(job.id)  # after the caller has read it
        try:
            yield subscription
        finally:
            self._count -= 1
            self._of_tenants[job.tenant] -= 1
            if not self._of_tenants[job.tenant]:
                del self._of_tenants[job.tenant]
            others = self._subscriptions[job.id]
            others.discard(subscription)
            if not others:
                del self._subscriptions[job.id]

    def ended(self, job_id: UUID) -> None:
        """Read a job that has ended, if it is followed. The argument of `JobStore.on_end`."""
        self._recently_ended.append(job_id)
        if job_id not in self._subscriptions or self._closed:
            return
        self._ended.add(job_id)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_ended())

    def close(self) -> None:
        """Close all subscriptions, and every later one, because the gateway shuts down."""
        self._closed = True
        for task in (self._task, self._reading):
            if task:
                task.cancel()
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.close()

    def _query_soon(self, *, hurry: bool) -> None:
        if self._task is None or self._task.done():
            self._pause = self._interval
            self._task = asyncio.create_task(self._run())
        if hurry:
            self._pause = FIRST_PAUSE
            self._new_subscription.set()

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        failing = False
        while True:
            await self._wait()
            if not self._subscriptions:
                return
            started = clock()
            try:
                await self._read(self._subscriptions)
            except DatabaseUnavailable as error:
                if not failing:
                    log.warning("followed jobs are not updated: %s", error)
                failing = True
            except Exception:
                log.exception("followed jobs could not be read")
                failing = True
            else:
                failing = False
            least = PAUSE_WITHOUT_DATABASE if failing else MIN_PAUSE_RATIO * (clock() - started)
            self._pause = max(min(self._pause * BACKOFF_FACTOR, self._interval), least)

    async def _read_ended(self) -> None:
        try:
            while self._ended:
                ended, self._ended = self._ended, set()
                await self._read(ended)
        except DatabaseUnavailable as error:
            log.info("ended jobs are read by the next query: %s", error)
        except Exception:
            log.exception("ended jobs could not be read")
        finally:
            self._reading = None

    async def _read(self, job_ids: Iterable[UUID]) -> None:
        """Read these jobs, and update their subscriptions. Raises DatabaseUnavailable."""
        # A subscription that starts during the query may have newer data than its result.
        watched = {job_id: tuple(self._subscriptions.get(job_id, ())) for job_id in job_ids}
        found = await self._jobs.get_many(tuple(watched))
        for job_id, job in found.items():
            for subscription in watched[job_id]:
                subscription.update(job)

    async def _wait(self) -> None:
        """Pause before the next query, for a shorter time if a new subscription starts."""
        self._new_subscription.clear()
        await asyncio.sleep(FIRST_PAUSE)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause - FIRST_PAUSE):
                await self._new_subscription.wait()


JOB_WATCHER = web.AppKey("job_watcher", JobWatcher)
