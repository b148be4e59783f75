"""Jobs that are followed through this gateway: all of them looked at with one query at a time."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import DatabaseUnavailable, TooManySubscriptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from shared.jobs.job import Job
    from shared.ports import JobStore

FIRST_PAUSE = 0.05
"""Seconds before the first look after somebody came: many a job is done by then."""
SLOWING = 1.5
"""Each pause is so many times the one before, up to the interval."""
REST = 4
"""Each pause is so many times the look before it at the least, however many follow."""
PAUSE_WITHOUT_DATABASE = 2.0
"""Seconds."""

log = logging.getLogger(__name__)


class Subscription:
    """What one follower sees of a job: the latest of it, however much has changed meanwhile."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.ended = False
        """Whether there is no more to see here, though the job has not ended."""
        self._news = asyncio.Event()

    def show(self, job: Job) -> None:
        """The job stands so now."""
        if job != self.job:
            self.job = job
            self._news.set()

    def end(self) -> None:
        """Nothing more will be shown."""
        self.ended = True
        self._news.set()

    async def news(self, within: float) -> None:
        """Return when there is something new, or after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._news.wait()
        self._news.clear()


class JobWatcher:
    """Looks at the jobs in the database, only while somebody follows one.

    `limit`: followers at a time. `interval`: seconds between two looks at the most; they begin
    closer together whenever somebody comes.
    """

    def __init__(self, jobs: JobStore, *, limit: int, interval: float) -> None:
        self._jobs = jobs
        self._limit = limit
        self._interval = interval
        self._followings: dict[UUID, set[Subscription]] = {}
        self._count = 0
        self._pause = FIRST_PAUSE
        self._arrival = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._ended = False

    def __len__(self) -> int:
        """How many follow now."""
        return self._count

    @contextmanager
    def follow(self, job: Job) -> Iterator[Subscription]:
        """Follow a job from what the caller has just read of it; to be left at its end.

        Raises TooManySubscriptions.
        """
        following = Subscription(job)
        if job.state.terminal:
            yield following
            return
        if self._ended:
            following.end()
            yield following
            return
        if self._count >= self._limit:
            raise TooManySubscriptions(
                f"{self._limit} clients follow jobs through this gateway already; "
                f"come back later, or ask for /api/v1/jobs/{job.id} now and then"
            )
        self._count += 1
        self._followings.setdefault(job.id, set()).add(following)
        self._hurry()
        try:
            yield following
        finally:
            self._count -= 1
            others = self._followings[job.id]
            others.discard(following)
            if not others:
                del self._followings[job.id]

    def end(self) -> None:
        """End what everybody sees, at once: the gateway is leaving. Nobody can begin any more."""
        self._ended = True
        if self._looking:
            self._looking.cancel()
        for followings in self._followings.values():
            for following in followings:
                following.end()

    def _hurry(self) -> None:
        self._pause = FIRST_PAUSE
        self._arrival.set()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        clock = asyncio.get_running_loop().time
        away = False
        while True:
            await self._rest()
            if not self._followings:
                return
            began = clock()
            # Who comes during the query may have read what is newer than its answer.
            watched = {job_id: tuple(group) for job_id, group in self._followings.items()}
            try:
                found = await self._jobs.get_many(tuple(watched))
            except DatabaseUnavailable as error:
                if not away:
                    log.warning("followers of jobs wait for the database: %s", error)
                away = True
            except Exception:
                log.exception("jobs that are followed could not be looked at")
                away = True
            else:
                away = False
                for job_id, job in found.items():
                    for following in watched[job_id]:
                        following.show(job)
            least = PAUSE_WITHOUT_DATABASE if away else REST * (clock() - began)
            self._pause = max(min(self._pause * SLOWING, self._interval), least)

    async def _rest(self) -> None:
        self._arrival.clear()
        await asyncio.sleep(FIRST_PAUSE)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause - FIRST_PAUSE):
                await self._arrival.wait()


JOB_WATCHER = web.AppKey("followers", JobWatcher)
