"""`on_end`: the store tells which jobs have ended."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from shared.jobs.job import JobState
from tests.contract.job_stores import make_job
from tests.contract.jobs.steps import bring, claim

if TYPE_CHECKING:
    from uuid import UUID

    from shared.jobs.store import SqlJobStore


class Ends:
    """Records the ids of ended jobs."""

    def __init__(self, store: SqlJobStore) -> None:
        self._store = store
        self._ids: asyncio.Queue[UUID] = asyncio.Queue()
        self.heard = self._ids.put_nowait

    async def next(self) -> UUID:
        return await asyncio.wait_for(self._ids.get(), 20)

    async def opened(self) -> None:
        """Wait until ends are told: PostgreSQL is connected to in the background."""
        for _ in range(400):
            job = await make_job(self._store)
            await self._store.cancel(job.id, now=1.0)
            with suppress(TimeoutError):
                while await asyncio.wait_for(self._ids.get(), 0.05) != job.id:
                    pass
                return
        raise AssertionError("no end is reported")


@pytest.mark.parametrize("state", [JobState.SUCCESS, JobState.FAILURE, JobState.REVOKED])
async def test_the_end_of_a_job_is_told(store: SqlJobStore, state: JobState) -> None:
    ends = Ends(store)
    with store.on_end(ends.heard):
        await ends.opened()
        job = await bring(store, await make_job(store), state)
        assert await ends.next() == job.id
        assert (await store.get(job.id)).state is state


async def test_the_failure_of_a_lost_last_attempt_is_told(store: SqlJobStore) -> None:
    ends = Ends(store)
    with store.on_end(ends.heard):
        await ends.opened()
        job = await make_job(store, max_attempts=1)
        await claim(store, job, now=1.0, lease_until=5.0)
        assert await claim(store, job, now=9.0) is None
        assert await ends.next() == job.id


async def test_an_attempt_that_is_followed_by_another_is_not_told(store: SqlJobStore) -> None:
    ends = Ends(store)
    with store.on_end(ends.heard):
        await ends.opened()
        failed, released, last = [await make_job(store) for _ in range(3)]
        await bring(store, failed, JobState.RETRY)
        await claim(store, released)
        await store.release(released.id, 1, "shutdown", now=2.0)
        # An end that did not happen is not told either.
        await store.cancel(last.id, now=2.0)
        await store.cancel(last.id, now=3.0)
        after = await bring(store, await make_job(store), JobState.SUCCESS)
        assert [await ends.next(), await ends.next()] == [last.id, after.id]
