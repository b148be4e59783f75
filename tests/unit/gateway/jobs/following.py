"""Clients that follow a job."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.errors import DatabaseUnavailable
from tests.forwarding import Forwarding
from tests.metrics import Exposition
from tests.sse import EventReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore
    from tests.unit.gateway.conftest import Gateway


QUICK = 0.05
"""Seconds between two queries."""


class WatchedJobs(Forwarding):
    """A job store that records the ids of each query, and fails or waits on demand."""

    def __init__(self, jobs: SqlJobStore) -> None:
        super().__init__(jobs)
        self.queries: list[set[UUID]] = []
        self.failing = False
        self.held: asyncio.Event | None = None
        self._queried = asyncio.Event()

    async def get_many(self, job_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        assert len(set(job_ids)) == len(job_ids)
        self.queries.append(set(job_ids))
        found: Mapping[UUID, Job] = await self._behind.get_many(job_ids)
        self._queried.set()
        if self.held:
            await self.held.wait()
        if self.failing:
            raise DatabaseUnavailable("the database does not answer")
        return found

    async def queried(self, times: int = 1) -> None:
        for _ in range(times):
            self._queried.clear()
            async with asyncio.timeout(10):
                await self._queried.wait()


@asynccontextmanager
async def followed(
    gateway: Gateway, job_id: object, last_id: str | None = None
) -> AsyncIterator[EventReader]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with gateway.client.get(f"/api/v1/jobs/{job_id}/events", headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Accel-Buffering"] == "no"
        yield EventReader(response)


async def followers(gateway: Gateway) -> float:
    text = await (await gateway.client.get("/metrics")).text()
    return Exposition.of(text).value("csvmill_job_followers")


async def until_followed_by(gateway: Gateway, number: int) -> None:
    async with asyncio.timeout(10):
        while await followers(gateway) != number:  # noqa: ASYNC110  (there is no event to wait for)
            await asyncio.sleep(0.02)
