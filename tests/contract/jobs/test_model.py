"""Compares the job store with a model in plain Python, in sequences drawn by hypothesis."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.errors import LeaseLost
from shared.jobs.job import Job, JobProgress, JobState
from tests.contract.job_stores import make_job, open_store, result_of
from tests.contract.jobs.model import LOST_AFTER, UNPUBLISHED_FOR, ModelJob

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from shared.jobs.store import SqlJobStore

DUE_FOR = 10.0
LIVE = 2
"""Unfinished jobs at a time: enough to interfere, and few enough for long histories."""
ranks = st.sampled_from([0, 0, 0, 0, 1, 1, 2])
back = st.sampled_from([0, 0, 1, 2])
"""Which attempt reports, counted back from the latest: 0 is the latest."""

delays = st.sampled_from([None, 1.0, 4.0])
"""Seconds before the next attempt."""


class JobStoreMachine(RuleBasedStateMachine):
    """Creates jobs, starts and ends attempts, and lets old attempts report late."""

    def __init__(self, store: SqlJobStore, runner: asyncio.Runner) -> None:
        super().__init__()
        self.store = store
        self.runner = runner
        self.now = 0.0
        self.models: dict[UUID, ModelJob] = {}
        self.finished: dict[UUID, Job] = {}

    def run(self, operation: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(operation)

    @contextmanager
    def refused_unless(self, allowed: bool) -> Iterator[None]:
        if allowed:
            yield
        else:
            with pytest.raises(LeaseLost):
                yield

    def model_of(self, rank: int) -> ModelJob:
        """Return a job by rank: unfinished jobs first, then finished ones."""
        models = sorted(self.models.values(), key=lambda model: model.job.state.terminal)
        return models[rank % len(models)]

    def rank_of(self, model: ModelJob) -> int:
        models = sorted(self.models.values(), key=lambda model: model.job.state.terminal)
        return next(rank for rank, other in enumerate(models) if other is model)

    def attempt_of(self, rank: int, ago: int) -> tuple[ModelJob, UUID, int]:
        model = self.model_of(rank)
        return model, model.job.id, max(model.job.attempt - ago, 1)

    @initialize()
    def forget_jobs_of_earlier_examples(self) -> None:
        for wakeup in self.run(
            self.store.overdue(now=1e9, unpublished_for=0.0, lost_before=1e9, limit=1000)
        ):
            self.run(self.store.cancel(wakeup.job_id, now=0.0))
        while job := self.run(self.store.take_dead_letter(now=1e9, due_for=0.0)):
            self.run(self.store.mark_dead_lettered(job.id, job.attempt, now=1e9))
        self.create(max_attempts=2)

    @precondition(lambda self: sum(not m.job.state.terminal for m in self.models.values()) < LIVE)
    @rule(max_attempts=st.integers(1, 3))
    def create(self, max_attempts: int) -> None:
        self.now += 1  # so that "oldest first" is one order
        job = self.run(make_job(self.store, max_attempts=max_attempts, now=self.now))
        assert (job.state, job.attempt) == (JobState.PENDING, 0)
        assert job.id not in self.models
        self.models[job.id] = ModelJob(job)

    @rule(rank=ranks)
    def create_again(self, rank: int) -> None:
        job = self.model_of(rank).job
        assert job == self.run(
            make_job(self.store, upload_id=job.upload_id, max_attempts=9, now=self.now)
        )

    @rule(seconds=st.sampled_from([0.5, 3.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(rank=ranks)
    def publish(self, rank: int) -> None:
        model = self.model_of(rank)
        self.run(self.store.mark_published(model.job.id, self.now))
        model.change(published_at=self.now)

    @rule(
        rank=ranks,
        lease=st.sampled_from([1.0, 5.0]),
        pause=st.sampled_from([0.0, 2.0, 6.0]),
    )
    def claim(self, rank: int, lease: float, pause: float) -> None:
        self.now += pause
        model = self.model_of(rank)
        job_id = model.job.id
        worker = str(uuid4())
        claimed = self.run(
            self.store.claim(job_id, worker=worker, lease_until=self.now + lease, now=self.now)
        )
        if model.job.state is JobState.STARTED and model.lease_ran_out(self.now):
            dead = self.run(self.store.get(job_id))
            model.end_failed("lost", final=False, now=self.now, reason=dead.reason)
        waiting = model.job.state in (JobState.PENDING, JobState.RETRY)
        if not waiting or model.is_delayed(self.now):
            assert claimed is None
            return
        model.outcomes.append(None)
        model.change(
            state=JobState.STARTED,
            attempt=model.job.attempt + 1,
            worker=worker,
            lease_until=self.now + lease,
            retry_at=None,
            reason=None,
            progress=None,
        )
        assert claimed == model.job

    @rule(rank=ranks, woken=st.booleans())
    def lose_the_worker_and_claim_again(self, rank: int, woken: bool) -> None:
        # The most important case, which single random steps would seldom produce.
        self.claim(rank, 1.0, 6.0)
        if woken:
            self.publish(rank)
        self.now += 2.0
        self.overdue_jobs_equal_those_of_the_model()
        self.claim(rank, 5.0, 0.0)

    @rule(rank=ranks, ago=back)
    def heartbeat(self, rank: int, ago: int) -> None:
        model, job_id, number = self.attempt_of(rank, ago)
        with self.refused_unless(model.is_running(number)):
            self.run(self.store.heartbeat(job_id, number, lease_until=self.now + 2))
            model.change(lease_until=max(model.job.lease_until or 0.0, self.now + 2))

    @rule(rank=ranks, ago=back, done=st.integers(0, 1 << 62))
    def record_progress(self, rank: int, ago: int, done: int) -> None:
        model, job_id, number = self.attempt_of(rank, ago)
        recorded = self.run(self.store.record_progress(job_id, number, JobProgress(done)))
        assert recorded == model.is_running(number)
        if recorded:
            model.change(progress=JobProgress(done))

    @rule(rank=ranks, ago=back)
    def succeed(self, rank: int, ago: int) -> None:
        model, job_id, number = self.attempt_of(rank, ago)
        result = result_of(job_id, number)
        repeated = model.job.result == result
        with self.refused_unless(model.is_running(number) or repeated):
            self.run(self.store.succeed(job_id, number, result, now=self.now))
            if not repeated:
                model.end("success", JobState.SUCCESS, self.now, None)
                model.change(result=result)

    @rule(rank=ranks, ago=back, final=st.booleans(), delay=delays)
    def fail(self, rank: int, ago: int, final: bool, delay: float | None = None) -> None:
        model, job_id, number = self.attempt_of(rank, ago)
        retry_at = None if delay is None else self.now + delay
        with self.refused_unless(model.is_running(number)):
            after = self.run(
                self.store.fail(job_id, number, "why", final=final, now=self.now, retry_at=retry_at)
            )
            model.end_failed("failure", final=final, now=self.now, reason="why")
            model.change(published_at=None)
            if model.job.state is JobState.RETRY:
                model.change(retry_at=retry_at)
            assert after == model.job

    @rule(rank=ranks, ago=back, delay=delays)
    def release(self, rank: int, ago: int, delay: float | None) -> None:
        model, job_id, number = self.attempt_of(rank, ago)
        retry_at = None if delay is None else self.now + delay
        with self.refused_unless(model.is_running(number)):
            self.run(
                self.store.release(job_id, number, "stopping", now=self.now, retry_at=retry_at)
            )
            model.end("released", JobState.RETRY, self.now, "stopping")
            model.change(published_at=None, retry_at=retry_at)

    @rule(rank=ranks)
    def cancel(self, rank: int) -> None:
        model = self.model_of(rank)
        if not model.job.state.terminal:
            model.end("revoked", JobState.REVOKED, self.now, "cancelled")
        assert self.run(self.store.cancel(model.job.id, now=self.now)) == model.job

    @rule(rank=ranks)
    def retry(self, rank: int) -> None:
        model = self.model_of(rank)
        retried = self.run(self.store.retry(model.job.id))
        if model.job.state is not JobState.FAILURE:
            assert retried is None
            return
        model.failures = 0
        model.retries += 1
        model.change(
            state=JobState.RETRY,
            finished_at=None,
            published_at=None,
            dead_letter_due_at=None,
            dead_lettered_at=None,
        )
        assert retried == model.job
        # Only an operator's retry leaves a terminal state.
        self.finished.pop(model.job.id, None)

    @rule(rank=ranks)
    def fail_and_retry(self, rank: int) -> None:
        # So that jobs that were retried are common.
        self.claim(rank, 1.0, 6.0)
        self.fail(rank, 0, final=True)
        self.every_job_equals_its_model()
        self.retry(rank)

    @rule(pause=st.sampled_from([0.0, 12.0]))
    def take_a_dead_letter(self, pause: float) -> None:
        self.now += pause
        due = [
            (model.job.dead_letter_due_at, str(job_id), model)
            for job_id, model in self.models.items()
            if model.job.dead_letter_due_at is not None
            and model.job.dead_letter_due_at <= self.now - DUE_FOR
        ]
        taken = self.run(self.store.take_dead_letter(now=self.now, due_for=DUE_FOR))
        if not due:
            assert taken is None
            return
        *_, model = min(due)
        model.change(dead_letter_due_at=self.now)
        assert taken == model.job

    @rule(rank=ranks, ago=back)
    def record_a_dead_letter(self, rank: int, ago: int) -> None:
        model, job_id, number = self.attempt_of(rank, ago)
        self.run(self.store.mark_dead_lettered(job_id, number, now=self.now))
        if model.job.dead_letter_is_due and model.job.attempt == number:
            model.change(dead_letter_due_at=None, dead_lettered_at=self.now)

    @rule(rank=ranks, pause=st.sampled_from([0.0, 12.0]), recorded=st.booleans())
    def use_up_attempts_and_take_the_dead_letter(
        self, rank: int, pause: float, recorded: bool
    ) -> None:
        # The most important case of dead letters, which needs several steps in a row.
        model = self.model_of(rank)
        while not model.job.state.terminal:
            self.now += 5.0
            self.claim(self.rank_of(model), 1.0, 6.0)
            if model.job.state is JobState.STARTED:
                self.fail(self.rank_of(model), 0, final=False)
        self.every_job_equals_its_model()
        self.take_a_dead_letter(pause)
        if recorded:
            self.record_a_dead_letter(self.rank_of(model), 0)

    @invariant()
    def overdue_jobs_equal_those_of_the_model(self) -> None:
        overdue = self.run(
            self.store.overdue(
                now=self.now,
                unpublished_for=UNPUBLISHED_FOR,
                lost_before=self.now - LOST_AFTER,
                limit=1000,
            )
        )
        assert [wakeup.job_id for wakeup in overdue] == [
            key for key, model in self.models.items() if model.is_overdue(self.now)
        ]

    @invariant()
    def every_job_equals_its_model(self) -> None:
        # One invariant with two queries, because it runs after every step.
        jobs = self.run(self.store.get_many(list(self.models)))
        attempts_of = self.run(self.store.attempts_of_many(list(self.models), first=99, last=99))
        for job_id, model in self.models.items():
            job = jobs[job_id]
            attempts = attempts_of.get(job_id, [])
            outcomes = [attempt.outcome for attempt in attempts]
            # The job and its attempts equal those of the model.
            assert job == model.job
            assert outcomes == model.outcomes
            assert [a.number for a in attempts] == list(range(1, job.attempt + 1))
            due_or_there = (job.dead_letter_due_at, job.dead_lettered_at)
            assert sum(at is not None for at in due_or_there) == model.needs_dead_letter
            # Invariants that do not depend on the model:
            # A job has one running attempt while it is started, and otherwise none.
            assert outcomes.count(None) == (1 if job.state is JobState.STARTED else 0)
            # No job fails more often than permitted.
            granted = job.max_attempts * (1 + model.retries)
            assert outcomes.count("failure") + outcomes.count("lost") <= granted
            # The result of a finished job is that of the attempt that finished it.
            assert outcomes.count("success") == (1 if job.state is JobState.SUCCESS else 0)
            if job.state is JobState.SUCCESS:
                assert job.result == result_of(job.id, outcomes.index("success") + 1)
            else:
                assert job.result is None
            # Terminal states never change, except the record of dead letters.
            if job.state.terminal:
                lasting = replace(
                    job, published_at=None, dead_letter_due_at=None, dead_lettered_at=None
                )
                assert self.finished.setdefault(job.id, lasting) == lasting


def explore(url: str, *, examples: int, steps: int) -> None:
    with asyncio.Runner() as runner:
        opened = open_store(url)
        store = runner.run(opened.__aenter__())

        class Machine(JobStoreMachine):
            def __init__(self) -> None:
                super().__init__(store, runner)

        try:
            run_state_machine_as_test(
                Machine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=steps,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    database=None,
                ),
            )
        finally:
            runner.run(opened.__aexit__(None, None, None))


@pytest.mark.timeout(600)  # a failure takes its time to be made minimal
@pytest.mark.parametrize("examples", [50, pytest.param(400, marks=pytest.mark.long)])
def test_the_store_on_sqlite_behaves_like_the_model(tmp_path: Path, examples: int) -> None:
    explore(f"sqlite:///{tmp_path / 'jobs.db'}", examples=examples, steps=30)


@pytest.mark.timeout(600)  # a failure takes its time to be made minimal
def test_the_store_on_postgresql_behaves_like_the_model(database_url: str) -> None:
    explore(database_url, examples=25, steps=25)
