from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from processor import worker as worker_module
from processor.attempt.run import JobRun
from processor.maintenance.sweeper import Sweeper
from shared.blobs.blob import RESULTS, preview_key, rejects_key, result_key
from shared.csv.problems import Problem
from shared.errors import (
    AttemptFailed,
    BlobNotFound,
    DatabaseUnavailable,
    MalformedInput,
    StorageUnavailable,
)
from shared.jobs.job import JobRejects, JobState
from shared.jobs.report import Report, Seconds
from shared.jobs.wake_up import WakeUp
from tests.unit.processor.conftest import INPUT, OUTPUT, REPORT

if TYPE_CHECKING:
    from uuid import UUID

    from shared.blobs.blob import BlobInfo, BlobKey
    from shared.ports import JobStore
    from tests.unit.processor.conftest import Rig


async def test_a_job_that_succeeds_points_to_its_result_before_the_wake_up_is_acked(
    rig: Rig,
) -> None:
    job = await rig.job()
    delivery = rig.delivery(job)
    await rig.worker().handle(delivery)
    done = await rig.jobs.get(job.id)
    assert done.result is not None
    assert (done.result.rows_in, done.result.rows_out) == (3, 1)
    async with rig.blobs.open(done.result.key) as pieces:
        assert b"".join([piece async for piece in pieces]) == OUTPUT
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "SUCCESS")


async def test_the_report_has_the_engine_s_values_and_the_times_of_the_attempt(
    rig: Rig,
) -> None:
    job = await rig.job()
    rig.engine.errors = [AttemptFailed("once")]
    await rig.worker(clock=lambda: job.created_at + 1.0).handle(rig.delivery(job))
    retried = rig.settings.retry_delay + 1.5
    await rig.worker(clock=lambda: job.created_at + retried).handle(rig.delivery(job))
    report = (await rig.jobs.get(job.id)).report
    assert report is not None
    seconds = report.seconds
    assert seconds == Seconds(seconds.queue, aggregate=2.0, write=1.0, store=seconds.store)
    assert seconds.queue == pytest.approx(retried)
    assert seconds.store > 0
    assert report == replace(REPORT, bytes_in=len(INPUT), seconds=seconds, attempts=2)


async def test_the_job_of_a_malformed_file_has_a_report_with_its_problems(rig: Rig) -> None:
    job = await rig.job()
    found = Report(problems=(Problem(2, 9, 1, "a", "b", "c", b""),), problem_count=1)
    rig.engine.errors = [MalformedInput("line 2: no number", found)]
    await rig.worker(clock=lambda: job.created_at).handle(rig.delivery(job))
    after = await rig.jobs.get(job.id)
    assert after.report == replace(found, bytes_in=len(INPUT), attempts=1)


@pytest.mark.parametrize(("attempts", "state"), [(1, "FAILURE"), (2, "RETRY")])
async def test_a_failed_attempt_has_a_report_of_what_it_used(
    rig: Rig, attempts: int, state: str
) -> None:
    job = await rig.job(max_attempts=attempts)
    used = Report(peak_memory=1 << 30, peak_scratch=7, unfinished=True)
    rig.engine.errors = [AttemptFailed("out of memory", used)]
    await rig.worker(clock=lambda: job.created_at).handle(rig.delivery(job))
    after = await rig.jobs.get(job.id)
    assert (after.state, after.report) == (state, replace(used, bytes_in=len(INPUT), attempts=1))


async def test_rejects_are_stored_beside_the_result_and_the_job_points_to_both(rig: Rig) -> None:
    rig.engine.rejects = b"line,offset,column,reason,record\n2,9,1,a,b\n"
    job = await rig.job()
    await rig.worker().handle(rig.delivery(job))
    result = (await rig.jobs.get(job.id)).result
    assert result is not None
    assert result.rejects == JobRejects(
        rejects_key(job.id, 1),
        len(rig.engine.rejects),
        hashlib.sha256(rig.engine.rejects).hexdigest(),
    )
    for key, content in ((result.key, OUTPUT), (result.rejects.key, rig.engine.rejects)):
        async with rig.blobs.open(key) as pieces:
            assert b"".join([piece async for piece in pieces]) == content


class Killed(BaseException):
    """Stands for a SIGKILL of the worker."""


@pytest.mark.parametrize("where", ["before the result is stored", "before success is on record"])
async def test_the_sweeper_removes_the_rejects_of_a_killed_worker(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    rig.engine.rejects = b"line,offset,column,reason,record\n2,9,1,a,b\n"
    job = await rig.job()

    # Given an attempt whose worker is killed after it stored the rejects, without cleaning up
    async def killed(*_: object, **__: object) -> NoReturn:
        raise Killed

    with monkeypatch.context() as patch:
        create = rig.blobs.create

        async def create_but_no_result(key: BlobKey, *args: Any, **named: Any) -> BlobInfo:
            if key == result_key(job.id, 1):
                await killed()
            return await create(key, *args, **named)

        if where == "before the result is stored":
            patch.setattr(rig.blobs, "create", create_but_no_result)
        else:
            patch.setattr(rig.jobs, "succeed", killed)
        run = JobRun(rig.blobs, rig.engine, rig.scratch)
        now = time.time()
        claimed = await rig.jobs.claim(job.id, worker="killed", lease_until=now + 1, now=now)
        assert claimed is not None

        async def attempt() -> None:
            completed = await run.run(claimed, lambda _progress: None, queued=0.0)
            await rig.jobs.succeed(job.id, 1, completed.result, now=now)

        with pytest.raises(Killed):
            await attempt()
    assert (await rig.blobs.info(rejects_key(job.id, 1))).complete
    # When another worker finishes the job, and the sweeper runs
    await rig.worker(clock=lambda: now + 2).handle(rig.delivery(job))
    sweeper = Sweeper(
        rig.jobs, rig.blobs, upload_ttl=1e9, result_ttl=1e9, interval=1.0, clock=time.time, grace=0
    )
    await sweeper.sweep()
    # Then only the outputs to which the job points are left
    async with rig.blobs.walk(RESULTS) as found:
        kept = {activity.key async for activity in found}
    assert kept == {result_key(job.id, 2), rejects_key(job.id, 2)}
    result = (await rig.jobs.get(job.id)).result
    assert result is not None
    assert result.rejects is not None
    assert {result.key, result.rejects.key} == kept


async def test_a_preview_is_stored_beside_the_result_and_removed_with_it(rig: Rig) -> None:
    rig.engine.preview = b"Song,Date,Plays\na,b,1\n"
    job = await rig.job()
    await rig.worker().handle(rig.delivery(job))
    async with rig.blobs.open(preview_key(job.id, 1)) as pieces:
        assert b"".join([piece async for piece in pieces]) == rig.engine.preview
    info = await rig.blobs.info(preview_key(job.id, 1))
    assert info.sha256 == hashlib.sha256(rig.engine.preview).hexdigest()
    sweeper = Sweeper(
        rig.jobs, rig.blobs, upload_ttl=1e9, result_ttl=1e9, interval=1.0, clock=time.time, grace=0
    )
    await sweeper.sweep()
    assert await kept_results(rig) == {result_key(job.id, 1), preview_key(job.id, 1)}
    await rig.jobs.expire(finished_before=1e12, now=1e12, limit=1)
    await sweeper.sweep()
    assert await kept_results(rig) == set()


async def kept_results(rig: Rig) -> set[BlobKey]:
    async with rig.blobs.walk(RESULTS) as found:
        return {activity.key async for activity in found}


async def test_discarding_an_attempt_removes_its_result_rejects_and_preview(rig: Rig) -> None:
    job = await rig.job()
    run = JobRun(rig.blobs, rig.engine, rig.scratch)
    rig.engine.rejects = b"rejects"
    rig.engine.preview = b"preview"
    claimed = await rig.jobs.claim(job.id, worker="w", lease_until=1e12, now=time.time())
    assert claimed is not None
    await run.run(claimed, lambda _progress: None, queued=0.0)
    assert len(await kept_results(rig)) == 3
    await run.discard(claimed)
    assert await kept_results(rig) == set()


async def test_a_malformed_file_is_final_at_the_first_attempt(rig: Rig) -> None:
    job = await rig.job()
    rig.engine.errors = [MalformedInput("line 2: no number")]
    delivery = rig.delivery(job)
    await rig.worker().handle(delivery)
    after = await rig.jobs.get(job.id)
    assert (after.state, after.reason, after.attempt) == ("FAILURE", "line 2: no number", 1)
    assert (delivery.settled, rig.bus.published) == (["ack"], [])
    # A further wake-up does not dead-letter it either
    await rig.worker().handle(rig.delivery(job))
    assert rig.bus.dead_letters == []


@pytest.mark.parametrize("error", [AttemptFailed("out of memory"), RuntimeError("a defect")])
async def test_a_failed_attempt_is_retried_after_a_delay_until_they_are_used_up(
    rig: Rig, error: Exception
) -> None:
    job = await rig.job(max_attempts=2)
    rig.engine.errors = [error, error]
    # When the first attempt fails, a delayed wake-up is published
    first = rig.delivery(job)
    await rig.worker().handle(first)
    assert (await rig.jobs.get(job.id)).state is JobState.RETRY
    assert rig.bus.published == [(WakeUp(job.id), rig.settings.retry_delay)]
    assert first.settled == ["ack"]
    assert rig.bus.dead_letters == []
    # When the last attempt fails, a dead letter is published
    last = rig.delivery(job)
    await rig.worker(clock=lambda: time.time() + rig.settings.retry_delay).handle(last)
    assert (await rig.jobs.get(job.id)).state is JobState.FAILURE
    assert (last.settled, len(rig.bus.published)) == (["ack"], 1)
    assert rig.bus.dead_letters == [WakeUp(job.id)]
    reasons = [attempt.reason for attempt in await rig.jobs.attempts(job.id)]
    assert len(reasons) == 2
    assert all(str(error) in (reason or "") for reason in reasons)


async def test_a_duplicate_wake_up_does_not_start_the_next_attempt_early(
    rig: Rig,
) -> None:
    job = await rig.job(max_attempts=2)
    rig.engine.errors = [AttemptFailed("disk full")]
    now = time.time()
    await rig.worker(clock=lambda: now).handle(rig.delivery(job))
    rig.bus.published.clear()
    # When another wake-up of the same job is delivered a second too early
    delay = rig.settings.retry_delay
    early = rig.delivery(job)
    await rig.worker(clock=lambda: now + delay - 1).handle(early)
    # Then no attempt starts
    assert (await rig.jobs.get(job.id)).attempt == 1
    assert early.settled == ["ack"]
    ((wakeup, wait),) = rig.bus.published
    assert wakeup == WakeUp(job.id)
    assert wait == pytest.approx(1.0)
    # And the delayed wake-up starts it
    await rig.worker(clock=lambda: now + delay).handle(rig.delivery(job))
    assert (await rig.jobs.get(job.id)).state is JobState.SUCCESS


async def test_a_finished_job_is_not_run_again(rig: Rig) -> None:
    job = await rig.job()
    await rig.worker().handle(rig.delivery(job))
    rig.engine.started.clear()
    again = rig.delivery(job)
    await rig.worker().handle(again)
    assert again.settled == ["ack"]
    assert not rig.engine.started.is_set()


async def test_the_wake_up_of_a_job_leased_to_another_is_delayed_until_the_lease_ends(
    rig: Rig,
) -> None:
    job = await rig.job()
    now = time.time()
    await rig.jobs.claim(job.id, worker="other", lease_until=now + 30, now=now)
    delivery = rig.delivery(job)
    await rig.worker(clock=lambda: now).handle(delivery)
    assert rig.bus.published == [(WakeUp(job.id), 30.0)]
    assert delivery.settled == ["ack"]
    assert not rig.engine.started.is_set()


async def test_a_job_whose_last_attempt_was_lost_is_dead_lettered(rig: Rig) -> None:
    job = await rig.job(max_attempts=1)
    now = time.time()
    await rig.jobs.claim(job.id, worker="killed", lease_until=now - 1, now=now - 10)
    delivery = rig.delivery(job)
    await rig.worker().handle(delivery)
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "FAILURE")
    assert rig.bus.dead_letters == [WakeUp(job.id)]
    assert not rig.engine.started.is_set()
    # A second wake-up of the same job is only acked
    duplicate = rig.delivery(job)
    await rig.worker().handle(duplicate)
    assert duplicate.settled == ["ack"]
    assert len(rig.bus.dead_letters) == 1


async def test_an_attempt_whose_job_was_cancelled_stops_within_a_heartbeat(rig: Rig) -> None:
    # Given an attempt that does not end by itself
    rig.settings = rig.settings.model_copy(update={"lease": 0.15})
    rig.engine.may_finish.clear()
    job = await rig.job()
    delivery = rig.delivery(job)
    handling = asyncio.create_task(rig.worker().handle(delivery))
    await rig.engine.started.wait()
    # When the job is cancelled
    await rig.jobs.cancel(job.id, now=time.time())
    await handling
    # Then the engine is stopped and the wake-up is acked
    assert rig.engine.cancelled == 1
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "REVOKED")


async def test_an_attempt_that_fails_because_its_job_was_cancelled_changes_nothing(
    rig: Rig,
) -> None:
    # Given an attempt that has not opened its input yet, and has written part of its output
    rig.engine.may_finish.clear()
    job = await rig.job()
    delivery = rig.delivery(job)
    handling = asyncio.create_task(rig.worker().handle(delivery))
    await rig.engine.started.wait()
    await rig.blobs.create(result_key(job.id, 1), 100)
    # When the job is cancelled, and the attempt finds its input removed before its heartbeat
    cancelled = await rig.jobs.cancel(job.id, now=time.time())
    await rig.blobs.delete(job.input_key)
    rig.engine.may_finish.set()
    await handling
    # Then the job stays cancelled, and the output of the attempt is removed
    assert await rig.jobs.get(job.id) == cancelled
    assert [attempt.outcome for attempt in await rig.jobs.attempts(job.id)] == ["revoked"]
    with pytest.raises(BlobNotFound):
        await rig.blobs.info(result_key(job.id, 1))
    assert (delivery.settled, rig.bus.published) == (["ack"], [])


async def test_a_cancelled_attempt_leaves_no_output(rig: Rig) -> None:
    rig.settings = rig.settings.model_copy(update={"lease": 0.15})
    rig.engine.may_finish.clear()
    job = await rig.job()
    handling = asyncio.create_task(rig.worker().handle(rig.delivery(job)))
    await rig.engine.started.wait()
    await rig.blobs.create(result_key(job.id, 1), 100)
    await rig.jobs.cancel(job.id, now=time.time())
    await handling
    with pytest.raises(BlobNotFound):
        await rig.blobs.info(result_key(job.id, 1))


async def test_only_a_retry_and_not_a_returned_dead_letter_runs_a_failed_job_again(
    rig: Rig,
) -> None:
    job = await rig.job(max_attempts=1)
    rig.engine.errors = [AttemptFailed("out of memory")]
    await rig.worker().handle(rig.delivery(job))
    # A dead letter that an operator moves back to the queue does not run the failed job
    moved_back = rig.delivery(job)
    await rig.worker().handle(moved_back)
    assert (moved_back.settled, moved_back.state_at_settling) == (["ack"], "FAILURE")
    assert rig.bus.dead_letters == [WakeUp(job.id)]
    # After a retry the job runs
    await rig.jobs.retry(job.id)
    woken = rig.delivery(job)
    await rig.worker().handle(woken)
    assert (woken.settled, woken.state_at_settling) == (["ack"], "SUCCESS")
    attempts = [(a.number, a.outcome, a.reason) for a in await rig.jobs.attempts(job.id)]
    assert attempts == [(1, "failure", "out of memory"), (2, "success", None)]


async def test_a_late_result_is_refused_and_its_output_removed(rig: Rig) -> None:
    # Given a slow attempt whose job was claimed by another worker meanwhile
    rig.engine.may_finish.clear()
    job = await rig.job()
    delivery = rig.delivery(job)
    handling = asyncio.create_task(rig.worker().handle(delivery))
    await rig.engine.started.wait()
    later = time.time() + 3600
    taken = await rig.jobs.claim(job.id, worker="other", lease_until=later + 60, now=later)
    assert taken is not None
    # When it finishes nevertheless
    rig.engine.may_finish.set()
    await handling
    # Then the job still belongs to the other attempt, and the late output is removed
    after = await rig.jobs.get(job.id)
    assert (after.state, after.attempt, after.worker) == ("STARTED", 2, "other")
    with pytest.raises(BlobNotFound):
        await rig.blobs.info(result_key(job.id, 1))
    assert delivery.settled == ["ack"]


async def test_stopping_releases_the_job_immediately_and_does_not_ack_its_wake_up(
    rig: Rig,
) -> None:
    rig.engine.may_finish.clear()
    job = await rig.job(max_attempts=1)
    delivery = rig.delivery(job)
    worker = rig.worker()
    handling = asyncio.create_task(worker.handle(delivery))
    await rig.engine.started.wait()
    await worker.stop()
    await handling
    assert (await rig.jobs.get(job.id)).state is JobState.RETRY
    assert (rig.engine.cancelled, delivery.settled) == (1, [])
    # And a stopped worker claims no more jobs
    refused = rig.delivery(job)
    await worker.handle(refused)
    assert refused.settled == []
    # The released attempt did not count: another worker finishes the job
    rig.engine.may_finish.set()
    await rig.worker().handle(rig.delivery(job))
    assert (await rig.jobs.get(job.id)).state is JobState.SUCCESS


async def test_a_job_is_released_although_its_output_cannot_be_removed_in_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang(_key: BlobKey) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(rig.blobs, "delete", hang)
    monkeypatch.setattr(worker_module, "RELEASE_TIMEOUT", 0.5)
    rig.engine.may_finish.clear()
    job = await rig.job()
    worker = rig.worker()
    handling = asyncio.create_task(worker.handle(rig.delivery(job)))
    await rig.engine.started.wait()
    with caplog.at_level("INFO"):
        await worker.stop()
        await handling
    assert (await rig.jobs.get(job.id)).state is JobState.RETRY
    messages = [record.message for record in caplog.records]
    assert f"job={job.id} attempt=1 released at shutdown" in messages
    assert f"job={job.id} attempt=1 left output behind: no answer in time" in messages
    assert not any("not released" in message for message in messages)


class AnswerLosingStore:
    """A job store whose answers to some calls are lost, after the commit or before it."""

    def __init__(self, jobs: JobStore, method: str, times: int, *, commits: bool) -> None:
        self._jobs = jobs
        self._method = method
        self._commits = commits
        self.left = times

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._jobs, name)
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


@pytest.mark.parametrize("method", ["claim", "succeed", "heartbeat", "mark_published"])
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

    store = AnswerLosingStore(rig.jobs, "claim", 2, commits=False)
    await rig.worker(store, clock).handle(rig.delivery(job))
    (attempt,) = await rig.jobs.attempts(job.id)
    assert attempt.started_at == read[2]


async def test_a_claim_whose_commit_was_not_answered_is_recognised_and_costs_no_attempt(
    rig: Rig,
) -> None:
    job = await rig.job(max_attempts=1)
    delivery = rig.delivery(job)
    await rig.worker(AnswerLosingStore(rig.jobs, "claim", 1, commits=True)).handle(delivery)
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "SUCCESS")
    assert [attempt.outcome for attempt in await rig.jobs.attempts(job.id)] == ["success"]


async def test_a_stop_during_a_claim_releases_the_job(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await rig.job()
    claimed, claim = asyncio.Event(), rig.jobs.claim

    async def without_an_answer(*args: Any, **kwargs: Any) -> None:
        await claim(*args, **kwargs)
        claimed.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(rig.jobs, "claim", without_an_answer)
    worker, delivery = rig.worker(), rig.delivery(job)
    handling = asyncio.create_task(worker.handle(delivery))
    await claimed.wait()
    await worker.stop()
    await handling
    assert (await rig.jobs.get(job.id)).state is JobState.RETRY
    assert [attempt.outcome for attempt in await rig.jobs.attempts(job.id)] == ["released"]
    assert delivery.settled == []


async def test_a_lost_last_attempt_is_dead_lettered_although_its_commit_was_not_answered(
    rig: Rig,
) -> None:
    job = await rig.job(max_attempts=1)
    now = time.time()
    await rig.jobs.claim(job.id, worker="killed", lease_until=now - 1, now=now - 10)
    delivery = rig.delivery(job)
    await rig.worker(AnswerLosingStore(rig.jobs, "claim", 1, commits=True)).handle(delivery)
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


async def test_no_scratch_is_left_after_an_attempt(rig: Rig) -> None:
    rig.engine.errors = [AttemptFailed("disk full")]
    job = await rig.job()
    await rig.worker().handle(rig.delivery(job))
    assert [path.name for path in rig.scratch.path.iterdir()] == [".lock"]


async def test_no_job_is_claimed_while_storage_is_unavailable(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await rig.job()
    asked = asyncio.Event()

    async def unavailable() -> None:
        asked.set()
        raise StorageUnavailable("storage does not answer")

    with monkeypatch.context() as outage:
        outage.setattr(rig.blobs, "ping", unavailable)
        delivery = rig.delivery(job)
        handling = asyncio.create_task(rig.worker().handle(delivery))
        await asked.wait()
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


async def test_stopping_while_a_failure_is_examined_releases_the_job(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await rig.job(max_attempts=1)
    rig.engine.may_finish.clear()
    rig.engine.errors = [AttemptFailed("crashed")]
    delivery, worker, asked = rig.delivery(job), rig.worker(), asyncio.Event()
    handling = asyncio.create_task(worker.handle(delivery))
    await rig.engine.started.wait()

    async def silent() -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(rig.blobs, "ping", silent)
    rig.engine.may_finish.set()
    await asked.wait()
    await worker.stop()
    await handling
    assert delivery.settled == []
    assert (await rig.jobs.get(job.id)).state is JobState.RETRY
    assert [attempt.outcome for attempt in await rig.jobs.attempts(job.id)] == ["released"]
