"""The worker while the database or storage does not answer."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from shared.errors import (
    AttemptFailed,
    DatabaseUnavailable,
    StorageUnavailable,
)
from shared.jobs.job import JobState
from shared.jobs.wake_up import WakeUp
from tests.forwarding import Forwarding

if TYPE_CHECKING:
    from uuid import UUID

    from shared.ports import JobStore
    from tests.unit.processor.conftest import Rig


class AnswerLosingStore(Forwarding):
    """A job store whose answers to some calls are lost, after the commit or before it."""

    def __init__(self, jobs: JobStore, method: str, times: int, *, commits: bool) -> None:
        super().__init__(jobs)
        self._method = method
        self._commits = commits
        self.left = times

    def __getattr__(self, name: str) -> Any:
        real = super().__getattr__(name)
        if name != self._method:
            return real

        async def loses_answer(*args: Any, **kwargs: Any) -> Any:
            if self.left == 0:
                return await real(*args, **kwargs)
            self.left -= 1
            if self._commits:
                await real(*args, **kwargs)
            raise DatabaseUnavailable("the connection was lost")

        return loses_answer


async def test_a_success_whose_commit_was_not_answered_keeps_its_result(rig: Rig) -> None:
    job = await rig.job()
    store = AnswerLosingStore(rig.jobs, "succeed", 1, commits=True)
    delivery = rig.delivery(job)
    await rig.worker(store).handle(delivery)
    done = await rig.jobs.get(job.id)
    assert done.result is not None
    assert (await rig.blobs.info(done.result.key)).complete
    assert (delivery.settled, store.left) == (["ack"], 0)


@pytest.mark.parametrize(("max_attempts", "state"), [(1, "FAILURE"), (2, "RETRY")])
async def test_the_wake_up_of_a_failure_whose_commit_was_not_answered_is_settled(
    rig: Rig, max_attempts: int, state: str
) -> None:
    job = await rig.job(max_attempts=max_attempts)
    rig.engine.errors = [AttemptFailed("out of memory")]
    store = AnswerLosingStore(rig.jobs, "fail", 1, commits=True)
    delivery = rig.delivery(job)
    await rig.worker(store).handle(delivery)
    assert (await rig.jobs.get(job.id)).state == state
    assert [attempt.outcome for attempt in await rig.jobs.attempts(job.id)] == ["failure"]
    again = [(WakeUp(job.id), rig.settings.retry_delay)] if state == "RETRY" else []
    assert rig.bus.published == again
    assert rig.bus.dead_letters == ([] if state == "RETRY" else [WakeUp(job.id)])
    assert delivery.settled == ["ack"]


async def test_a_committed_success_that_raises_an_error_keeps_its_result(rig: Rig) -> None:
    job = await rig.job()

    class Defective(AnswerLosingStore):
        def __getattr__(self, name: str) -> Any:
            loses_answer = super().__getattr__(name)
            if name != "succeed":
                return loses_answer

            async def defective(*args: Any, **kwargs: Any) -> None:
                with suppress(DatabaseUnavailable):
                    await loses_answer(*args, **kwargs)
                raise RuntimeError("a defect")

            return defective

    delivery = rig.delivery(job)
    await rig.worker(Defective(rig.jobs, "succeed", 1, commits=True)).handle(delivery)
    done = await rig.jobs.get(job.id)
    assert done.result is not None
    assert (await rig.blobs.info(done.result.key)).complete
    assert delivery.settled == ["ack"]


@pytest.mark.parametrize("method", ["claim_next", "succeed", "heartbeat", "mark_published"])
async def test_a_job_succeeds_in_spite_of_an_outage_of_the_database(rig: Rig, method: str) -> None:
    job = await rig.job()
    store = AnswerLosingStore(rig.jobs, method, 2, commits=False)
    delivery = rig.delivery(job)
    await rig.worker(store).handle(delivery)
    assert (await rig.jobs.get(job.id)).state is JobState.SUCCESS
    assert delivery.settled == ["ack"]


async def test_a_claim_repeated_after_an_outage_gets_a_full_lease(rig: Rig) -> None:
    job = await rig.job()
    outage = 10 * rig.settings.lease
    times = itertools.count(time.time(), outage)
    read: list[float] = []

    def clock() -> float:
        read.append(next(times))
        return read[-1]

    store = AnswerLosingStore(rig.jobs, "claim_next", 2, commits=False)
    await rig.worker(store, clock).handle(rig.delivery(job))
    (attempt,) = await rig.jobs.attempts(job.id)
    assert attempt.started_at == read[2]


async def test_a_claim_whose_commit_was_not_answered_is_recognised_and_costs_no_attempt(
    rig: Rig,
) -> None:
    job = await rig.job(max_attempts=1)
    delivery = rig.delivery(job)
    await rig.worker(AnswerLosingStore(rig.jobs, "claim_next", 1, commits=True)).handle(delivery)
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "SUCCESS")
    assert [attempt.outcome for attempt in await rig.jobs.attempts(job.id)] == ["success"]


async def test_a_lost_last_attempt_is_dead_lettered_although_its_commit_was_not_answered(
    rig: Rig,
) -> None:
    job = await rig.job(max_attempts=1)
    now = time.time()
    await rig.jobs.claim(job.id, worker="killed", lease_until=now - 1, now=now - 10)
    delivery = rig.delivery(job)
    await rig.worker(AnswerLosingStore(rig.jobs, "claim_next", 1, commits=True)).handle(delivery)
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "FAILURE")
    assert rig.bus.dead_letters == [WakeUp(job.id)]


async def test_a_dead_letter_is_published_once_although_its_record_has_to_be_repeated(
    rig: Rig,
) -> None:
    job = await rig.job(max_attempts=1)
    rig.engine.errors = [AttemptFailed("out of memory")]
    store = AnswerLosingStore(rig.jobs, "mark_dead_lettered", 2, commits=False)
    delivery = rig.delivery(job)
    await rig.worker(store).handle(delivery)
    assert (delivery.settled, rig.bus.dead_letters) == (["ack"], [WakeUp(job.id)])
    assert not (await rig.jobs.get(job.id)).dead_letter_is_due


async def test_no_job_is_claimed_while_storage_is_unavailable(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await rig.job()
    pinged = asyncio.Event()

    async def unavailable() -> None:
        pinged.set()
        raise StorageUnavailable("storage does not answer")

    with monkeypatch.context() as outage:
        outage.setattr(rig.blobs, "ping", unavailable)
        delivery = rig.delivery(job)
        handling = asyncio.create_task(rig.worker().handle(delivery))
        await pinged.wait()
        assert (await rig.jobs.get(job.id)).state is JobState.PENDING
    await handling
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "SUCCESS")
    assert len(await rig.jobs.attempts(job.id)) == 1


async def test_an_attempt_that_loses_storage_is_released_and_does_not_count(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a job with one attempt, and storage that becomes unavailable while it runs
    job = await rig.job(max_attempts=1)
    rig.engine.may_finish.clear()
    rig.engine.errors = [AttemptFailed("the source could not be read")]
    delivery = rig.delivery(job)
    handling = asyncio.create_task(rig.worker().handle(delivery))
    await rig.engine.started.wait()

    async def unavailable() -> None:
        raise StorageUnavailable("storage does not answer")

    monkeypatch.setattr(rig.blobs, "ping", unavailable)
    rig.engine.may_finish.set()
    await handling
    # Then the job waits for another attempt
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "RETRY")
    assert rig.bus.published == [(delivery.wakeup, rig.settings.retry_delay)]
    (attempt,) = await rig.jobs.attempts(job.id)
    assert attempt.outcome == "released"
    assert attempt.reason == "storage is unavailable: the source could not be read"


async def test_a_heartbeat_without_an_answer_is_repeated_before_the_lease_ends(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.settings = rig.settings.model_copy(update={"lease": 1.5})
    rig.engine.may_finish.clear()
    job = await rig.job()
    answered, calls, heartbeat = asyncio.Event(), 0, rig.jobs.heartbeat

    async def first_call_hangs(job_id: UUID, attempt: int, *, lease_until: float) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.Event().wait()
        await heartbeat(job_id, attempt, lease_until=lease_until)
        answered.set()

    monkeypatch.setattr(rig.jobs, "heartbeat", first_call_hangs)
    handling = asyncio.create_task(rig.worker().handle(rig.delivery(job)))
    await rig.engine.started.wait()
    before = (await rig.jobs.get(job.id)).lease_until
    await asyncio.wait_for(answered.wait(), 30)
    assert calls == 2
    after = (await rig.jobs.get(job.id)).lease_until
    assert before is not None
    assert after is not None
    assert after > before
    rig.engine.may_finish.set()
    await handling
