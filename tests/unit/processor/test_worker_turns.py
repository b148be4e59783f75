"""A wake-up is spent on the job whose turn it is, and none is forgotten."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from processor import worker as worker_module
from shared.access.tenant import Tenant
from shared.errors import AttemptFailed
from shared.jobs.job import JobState
from shared.jobs.wake_up import WakeUp
from shared.telemetry.ids import Ids, bound_ids, current_ids
from tests.services import until
from tests.unit.processor.conftest import RecordedDelivery

if TYPE_CHECKING:
    import pytest

    from shared.jobs.job import Job
    from tests.unit.processor.conftest import Rig

MANY, FEW = Tenant("many"), Tenant("few")


def woken(rig: Rig, job: Job) -> RecordedDelivery:
    return RecordedDelivery(WakeUp.of(job), rig.jobs)


async def waiting(rig: Rig) -> tuple[Job, Job]:
    """The next job of a tenant that has just been served, and that of one that was not."""
    served = await rig.job(tenant=MANY)
    await rig.worker().handle(woken(rig, served))
    jobs = await rig.job(tenant=MANY), await rig.job(tenant=FEW)
    for job in jobs:
        await rig.jobs.mark_published(job.id, time.time())
    return jobs


async def test_a_wake_up_is_acked_once_the_job_that_it_was_spent_on_has_ended(rig: Rig) -> None:
    named, next_job = await waiting(rig)
    delivery = woken(rig, named)
    await rig.worker().handle(delivery)
    assert delivery.settled == ["ack"]
    assert (await rig.jobs.get(named.id)).state is JobState.PENDING
    assert (await rig.jobs.get(next_job.id)).state is JobState.SUCCESS
    # The wake-up of that job is left for the other
    await rig.worker().handle(woken(rig, next_job))
    assert (await rig.jobs.get(named.id)).state is JobState.SUCCESS
    assert rig.bus.published == []


async def test_a_failed_job_is_woken_again_by_its_own_wake_up(rig: Rig) -> None:
    named, next_job = await waiting(rig)
    rig.engine.errors = [AttemptFailed("disk full")]
    await rig.worker().handle(woken(rig, named))
    assert (await rig.jobs.get(next_job.id)).state is JobState.RETRY
    assert rig.bus.published == [(WakeUp.of(next_job), rig.settings.retry_delay)]


async def test_the_ids_of_a_wake_up_are_not_those_of_another_job(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, next_job = await waiting(rig)
    seen: list[Ids] = []
    aggregate = rig.engine.aggregate

    async def noted(*args: object, **kwargs: object) -> object:
        seen.append(current_ids())
        return await aggregate(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(rig.engine, "aggregate", noted)
    for job in (named, next_job):
        with bound_ids(Ids(request_id=f"of {job.tenant}")):
            await rig.worker().handle(woken(rig, job))
    assert [(ids.request_id, ids.job_id) for ids in seen] == [
        (None, next_job.id),
        (None, named.id),
    ]


async def test_a_processor_with_a_head_start_runs_its_job_whoever_is_next(rig: Rig) -> None:
    named, _ = await waiting(rig)
    await rig.worker().handle_own(woken(rig, named))
    assert (await rig.jobs.get(named.id)).state is JobState.SUCCESS


async def test_the_end_of_a_job_wakes_the_next_of_a_tenant_that_may_run_only_one(rig: Rig) -> None:
    rig.settings = rig.settings.model_copy(update={"tenant_max_running": 1})
    rig.engine.may_finish.clear()
    first, second = await rig.job(tenant=MANY), await rig.job(tenant=MANY)
    worker, running = rig.worker(), woken(rig, first)
    handling = asyncio.create_task(worker.handle(running))
    await rig.engine.started.wait()
    # Its wake-up is not kept in circulation while the other job runs
    refused = woken(rig, second)
    await worker.handle(refused)
    assert (refused.settled, rig.bus.published) == (["ack"], [])
    assert (await rig.jobs.get(second.id)).state is JobState.PENDING
    rig.engine.may_finish.set()
    await handling
    # The end of the other job publishes one, before its own wake-up is acked
    assert rig.bus.published == [(WakeUp.of(second), 0.0)]
    assert (running.settled, running.state_at_settling) == (["ack"], "SUCCESS")
    assert (await rig.jobs.get(second.id)).published_at is not None


async def test_a_cancelled_job_makes_room_for_the_next_of_its_tenant(rig: Rig) -> None:
    rig.settings = rig.settings.model_copy(update={"tenant_max_running": 1, "lease": 0.3})
    rig.engine.may_finish.clear()
    first, second = await rig.job(tenant=MANY), await rig.job(tenant=MANY)
    handling = asyncio.create_task(rig.worker().handle(woken(rig, first)))
    await rig.engine.started.wait()
    await rig.jobs.cancel(first.id, now=time.time())
    await handling
    assert rig.bus.published == [(WakeUp.of(second), 0.0)]


async def test_two_claims_of_a_worker_in_one_moment_are_told_apart(rig: Rig) -> None:
    rig.engine.may_finish.clear()
    now = time.time()
    worker = rig.worker(clock=lambda: now)
    jobs = [await rig.job() for _ in range(2)]
    handlings = [asyncio.create_task(worker.handle(woken(rig, job))) for job in jobs]

    async def both_run() -> bool:
        return rig.engine.runs == 2

    await until(both_run)
    leases = [(await rig.jobs.get(job.id)).lease_until for job in jobs]
    assert len(set(leases)) == 2
    rig.engine.may_finish.set()
    await asyncio.gather(*handlings)


async def test_the_last_free_slot_is_kept_for_a_tenant_that_runs_no_job(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "LAST_SLOT_POLL", 0.01)
    await rig.job(tenant=FEW)  # there are several tenants
    rig.engine.may_finish.clear()
    jobs = [await published(rig, MANY) for _ in range(2)]
    worker = rig.worker(slots=2)
    first = asyncio.create_task(worker.handle(woken(rig, jobs[0])))
    await rig.engine.started.wait()
    held = woken(rig, jobs[1])
    handling = asyncio.create_task(worker.handle(held))
    few = await published(rig, FEW)

    async def runs() -> bool:
        return (await rig.jobs.get(few.id)).state is JobState.STARTED

    await until(runs)
    assert (await rig.jobs.get(jobs[1].id)).state is JobState.PENDING
    rig.engine.may_finish.set()
    await asyncio.gather(first, handling)
    assert held.settled == ["ack"]
    # The wake-up of that job is left for the other
    await worker.handle(woken(rig, few))
    assert (await rig.jobs.get(jobs[1].id)).state is JobState.SUCCESS


async def test_the_wake_up_of_a_lost_job_is_kept_while_only_the_last_slot_is_free(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "LAST_SLOT_POLL", 0.01)
    rig.settings = rig.settings.model_copy(update={"tenant_max_running": 2})
    await rig.job(tenant=FEW)
    lost, running = [await published(rig, MANY) for _ in range(2)]
    past = time.time() - 60
    await rig.jobs.claim(lost.id, worker="killed", lease_until=past + 1, now=past)
    rig.engine.may_finish.clear()
    worker = rig.worker(slots=2)
    first = asyncio.create_task(worker.handle(woken(rig, running)))
    await rig.engine.started.wait()
    held = woken(rig, lost)
    handling = asyncio.create_task(worker.handle(held))
    await assert_waits(handling)
    rig.engine.may_finish.set()
    await asyncio.gather(first, handling)
    assert held.settled == ["ack"]
    assert (await rig.jobs.get(lost.id)).state is JobState.SUCCESS


async def test_the_wake_up_of_an_ended_job_is_kept_while_a_job_waits_for_another_slot(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "LAST_SLOT_POLL", 0.01)
    await rig.job(tenant=FEW)
    ended, running, waits = [await published(rig, MANY) for _ in range(3)]
    await rig.jobs.cancel(ended.id, now=time.time())
    rig.engine.may_finish.clear()
    worker = rig.worker(slots=2)
    first = asyncio.create_task(worker.handle(woken(rig, running)))
    await rig.engine.started.wait()
    # That of the job that waits was spent on the one that has ended
    held = woken(rig, ended)
    await assert_waits(asyncio.create_task(worker.handle(held)))
    assert held.settled == []
    rig.engine.may_finish.set()
    await first

    async def acked() -> bool:
        return held.settled == ["ack"]

    await until(acked)
    assert (await rig.jobs.get(waits.id)).state is JobState.SUCCESS


async def test_a_wake_up_that_waits_for_the_last_slot_takes_the_next_one_that_is_free(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "LAST_SLOT_POLL", 3600.0)
    await rig.job(tenant=FEW)
    rig.engine.may_finish.clear()
    jobs = [await published(rig, MANY) for _ in range(2)]
    worker = rig.worker(slots=2)
    first = asyncio.create_task(worker.handle(woken(rig, jobs[0])))
    await rig.engine.started.wait()
    rest = asyncio.create_task(worker.handle(woken(rig, jobs[1])))
    await asyncio.sleep(0)
    rig.engine.may_finish.set()
    await asyncio.wait_for(asyncio.gather(first, rest), 30)
    assert [(await rig.jobs.get(job.id)).state for job in jobs] == [JobState.SUCCESS] * 2


async def test_a_tenant_that_is_alone_has_all_slots(rig: Rig) -> None:
    rig.engine.may_finish.clear()
    jobs = [await published(rig, MANY) for _ in range(2)]
    worker = rig.worker(slots=2)
    handlings = [asyncio.create_task(worker.handle(woken(rig, job))) for job in jobs]

    async def both_run() -> bool:
        return rig.engine.runs == 2

    await until(both_run)
    rig.engine.may_finish.set()
    await asyncio.gather(*handlings)


async def test_a_cancelled_job_gives_the_last_slot_back(rig: Rig) -> None:
    await rig.job(tenant=FEW)
    rig.engine.may_finish.clear()
    jobs = [await published(rig, MANY) for _ in range(2)]
    worker = rig.worker(slots=2)
    first = asyncio.create_task(worker.handle(woken(rig, jobs[0])))
    await rig.engine.started.wait()
    await rig.jobs.cancel(jobs[1].id, now=time.time())
    delivery = woken(rig, jobs[1])
    await worker.handle(delivery)
    assert delivery.settled == ["ack"]
    rig.engine.may_finish.set()
    await first


async def published(rig: Rig, tenant: Tenant) -> Job:
    job = await rig.job(tenant=tenant)
    await rig.jobs.mark_published(job.id, time.time())
    return job


async def assert_waits(handling: asyncio.Task[None]) -> None:
    """Assert that a wake-up is held: the worker has looked several times."""
    done, _ = await asyncio.wait([handling], timeout=0.2)
    assert not done
