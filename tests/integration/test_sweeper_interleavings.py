"""Interleavings of sweepers, gateways, operators and workers: real code on real adapters.

Every actor stops before and after each call of a port. Hypothesis chooses which actor continues,
for how many steps, and which one is killed. A blob that a job may still read must always exist.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.access.quotas import Quotas
from gateway.datasets.job_request import AskedInput
from gateway.datasets.names import find_inputs
from gateway.events import GatewayEvents
from gateway.jobs.control import cancel_job, retry_job
from gateway.settings import GatewaySettings
from gateway.uploads.complete import with_job
from gateway.uploads.context import UploadContext
from gateway.uploads.delete import cancel_or_delete_upload
from gateway.uploads.header_check import HeaderChecker
from gateway.uploads.offer import HeadStartOffers
from gateway.uploads.write import write_declared
from processor.maintenance.sweeper import Sweeper
from shared.access.limits import Limits
from shared.access.tenant import DEFAULT_TENANT
from shared.blobs.blob import (
    RESULTS,
    UPLOADS,
    BlobKey,
    Declaration,
    rejects_key,
    result_key,
    upload_key,
)
from shared.blobs.layout import blob_folder
from shared.bus.in_process import InProcessBus
from shared.errors import (
    BlobNotFound,
    InputRemoved,
    JobFinished,
    JobNotFailed,
    LeaseLost,
    UploadIncomplete,
    UploadInUse,
    UploadNotFound,
)
from shared.jobs.job import SONG_PLAYS, JobRejects, JobResult, JobState
from shared.jobs.job_request import JobRequest
from shared.jobs.store import open_job_store
from shared.ports import Ports
from shared.uploads.ask_job import ask_job
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import stream
from tests.integration.actors import Actor, Attempt

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        Callable,
        Coroutine,
        Iterable,
    )

    from shared.jobs.job import Job


GRACE, LEASE, UPLOAD_TTL, RESULT_TTL = 10.0, 5.0, 100.0, 300.0
TIMES = [0.0, 1.0, LEASE + 1, GRACE + 1, UPLOAD_TTL + 1, RESULT_TTL + 1]
CONTENT = b"ab"
OUTPUT = b"sum"
REJECTED = b"rejects"


class Interleavings(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = 1000.0
        self.stack = AsyncExitStack()
        self.root = Path(self.stack.enter_context(TemporaryDirectory())) / "blobs"
        self.run(self.open())
        self.sweepers: dict[int, Actor] = {}
        self.others: list[Actor] = []
        self.uploads: list[UUID] = []
        self.last_used: dict[UUID, float] = {}
        self.being_made: dict[UUID, int] = {}
        """Uploads for which a gateway will create a job, but has not checked them again yet."""
        self.asked: list[UUID] = []
        """Jobs that were asked for, or may have been."""
        self.being_asked: set[UUID] = set()
        """Those whose inputs are not checked again yet."""
        self.deleted: set[UUID] = set()
        """Uploads that a client has begun to delete."""
        self.attempts: list[Attempt] = []
        self.begin_upload()
        self.an_upload_becomes_a_job(0, 99)

    async def open(self) -> None:
        self.bus = await self.stack.enter_async_context(InProcessBus())
        self.blobs = await self.stack.enter_async_context(
            FilesystemBlobs(self.root, fsync=False, clock=self.clock)
        )
        self.jobs = await self.stack.enter_async_context(
            open_job_store(f"sqlite:///{self.root.parent / 'jobs.sqlite'}")
        )

    def clock(self) -> float:
        return self.now

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def sweeper(self, blobs: Any, jobs: Any) -> Sweeper:
        return Sweeper(
            jobs, blobs, upload_ttl=UPLOAD_TTL, result_ttl=RESULT_TTL, interval=1.0,
            clock=self.clock, grace=GRACE,
        )  # fmt: skip

    def known_jobs(self) -> list[Job]:
        jobs: list[Job] = self.run(self.all_jobs())
        return jobs

    async def all_jobs(self) -> list[Job]:
        own = await self.jobs.of_uploads(self.uploads)
        asked = await self.jobs.get_many(self.asked)
        return [*own.values(), *asked.values()]

    # --- sweepers

    @rule(which=st.integers(0, 1), steps=st.sampled_from([1, 2, 3, 5, 8, 99]))
    def continue_sweep(self, which: int, steps: int) -> None:
        async def step() -> None:
            if which not in self.sweepers:
                actor = self.sweepers[which] = Actor(self.clock)
                sweeper = self.sweeper(
                    actor.behind_gates(self.blobs), actor.behind_gates(self.jobs)
                )
                actor.begin(_ended(sweeper.sweep()))
            for _ in range(steps):
                if not await self.sweepers[which].step():
                    del self.sweepers[which]
                    return

        self.run(step())

    @precondition(lambda self: self.sweepers)
    @rule()
    def kill_a_sweeper(self) -> None:
        _, actor = self.sweepers.popitem()
        self.run(actor.kill())

    @rule(seconds=st.sampled_from(TIMES))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(
        before=st.sampled_from(TIMES),
        steps=st.integers(1, 9),
        between=st.sampled_from(TIMES),
        rank=st.integers(0, 2),
        does=st.sampled_from(["retry", "chunk", "claim", "continue"]),
    )
    def something_happens_within_a_sweep(
        self, before: float, steps: int, between: float, rank: int, does: str
    ) -> None:
        # The most important case, which single random steps would seldom produce.
        self.time_passes(before)
        self.continue_sweep(0, steps)
        if does == "retry":
            self.request_job_change(rank, retry=True)
            self.another_continues(len(self.others) - 1, 99)
        elif does == "chunk":
            self.send_chunk(rank, 0)
            self.another_continues(len(self.others) - 1, 99)
        elif does == "claim":
            self.claim(rank, writes=True)
        elif self.others:
            self.another_continues(rank, 99)
        self.needed_blobs_exist()
        self.time_passes(between)
        self.continue_sweep(0, 99)

    # --- gateways and operators: the real use cases, step by step

    def begin(self, work: Callable[[Ports, Actor], Coroutine[Any, Any, None]]) -> None:
        async def begin() -> None:
            actor = Actor(self.clock)
            # The bus has no consumer, because rules run the workers.
            ports = Ports(actor.behind_gates(self.blobs), actor.behind_gates(self.jobs), self.bus)
            actor.begin(work(ports, actor))
            self.others.append(actor)

        self.run(begin())

    @precondition(lambda self: len(self.uploads) < 3)
    @rule()
    def begin_upload(self) -> None:
        self.uploads.append(uuid4())
        self.send_chunk(0, 0)

    @precondition(lambda self: len(self.others) < 4)
    @rule(rank=st.integers(0, 2), offset=st.integers(0, 1))
    def send_chunk(self, rank: int, offset: int) -> None:
        upload_id = self.uploads[rank % len(self.uploads)]

        async def request(ports: Ports, actor: Actor) -> None:
            context = context_of(ports)
            chunk = _once(CONTENT[offset : offset + 1])
            declaration = Declaration(len(CONTENT))
            try:
                upload = await write_declared(context, upload_id, offset, chunk, declaration)
            except BlobNotFound:
                return  # cancelled or expired after it was created
            self.last_used[upload_id] = actor.last_call
            if upload.blob.complete:
                self.being_made[upload_id] = self.being_made.get(upload_id, 0) + 1
                await with_job(context, upload_id, upload.blob, filename="plays.csv")
                self.being_made[upload_id] -= 1

        self.begin(request)

    @precondition(lambda self: len(self.others) < 4 and len(self.asked) < 6)
    @rule(rank=st.integers(0, 2), several=st.booleans())
    def ask(self, rank: int, several: bool) -> None:
        first = rank % len(self.uploads)
        wanted = self.uploads[first:] if several else self.uploads[first : first + 1]
        job_id = uuid4()
        self.asked.append(job_id)

        async def request(ports: Ports, _actor: Actor) -> None:
            context = context_of(ports)
            for upload_id in wanted:  # it may get its own job
                self.being_made[upload_id] = self.being_made.get(upload_id, 0) + 1
            with suppress(UploadNotFound, UploadIncomplete, InputRemoved, BlobNotFound):
                inputs, _uploads = await find_inputs(
                    context, [AskedInput(str(each)) for each in wanted]
                )
                self.being_asked.add(job_id)
                await ask_job(
                    ports,
                    context.events,
                    JobRequest(job_id, tuple(inputs), SONG_PLAYS, "asked", 9, "0" * 64),
                )
            self.being_asked.discard(job_id)
            for upload_id in wanted:
                self.being_made[upload_id] -= 1

        self.begin(request)

    @precondition(lambda self: len(self.others) < 4)
    @rule(rank=st.integers(0, 2))
    def delete_upload(self, rank: int) -> None:
        upload_id = self.uploads[rank % len(self.uploads)]
        self.deleted.add(upload_id)

        async def request(ports: Ports, _: Actor) -> None:
            with suppress(UploadNotFound, UploadInUse):
                await cancel_or_delete_upload(context_of(ports), str(upload_id))

        self.begin(request)

    @precondition(lambda self: len(self.others) < 3 and len(self.asked) < 6)
    @rule(
        rank=st.integers(0, 2),
        steps=st.integers(1, 8),
        sweep=st.sampled_from([0, 0, 3, 5, 99]),
        deletes=st.sampled_from([0, 0, 2, 5, 8]),
        between=st.sampled_from([1.0, GRACE + 1, UPLOAD_TTL + 1]),
    )
    def an_upload_is_asked_while_it_goes(
        self, rank: int, steps: int, sweep: int, deletes: int, between: float
    ) -> None:
        self.a_job_is_done(rank, "succeed")
        self.time_passes(RESULT_TTL + 1)
        self.continue_sweep(0, sweep)
        if deletes:
            self.delete_upload(rank)
            self.another_continues(len(self.others) - 1, deletes)
        self.ask(rank, several=False)
        self.another_continues(len(self.others) - 1, steps)
        self.time_passes(between)
        self.continue_sweep(0, 99)
        self.another_continues(len(self.others) - 2, 99)
        self.another_continues(len(self.others) - 1, 99)

    @precondition(lambda self: len(self.others) < 4)
    @rule(rank=st.integers(0, 2), retry=st.booleans())
    def request_job_change(self, rank: int, retry: bool) -> None:
        wanted = [JobState.FAILURE] if retry else [JobState.PENDING, JobState.STARTED]
        jobs = self.known_jobs()
        jobs = [job for job in jobs if job.state in wanted] or jobs
        if not jobs:
            return
        job_id = jobs[rank % len(jobs)].id

        async def request(ports: Ports, _: Actor) -> None:
            change = retry_job if retry else cancel_job
            with suppress(JobFinished, JobNotFailed, InputRemoved):
                await change(ports, GatewayEvents.uncounted(), job_id, DEFAULT_TENANT)

        self.begin(request)

    @precondition(lambda self: self.others)
    @rule(rank=st.integers(0, 3), steps=st.sampled_from([1, 2, 3, 4, 5, 6, 7, 99]))
    def another_continues(self, rank: int, steps: int) -> None:
        if not self.others:
            return

        async def step() -> None:
            actor = self.others[rank % len(self.others)]
            for _ in range(steps):
                if not await actor.step():
                    self.others.remove(actor)
                    return

        self.run(step())

    @rule(rank=st.integers(0, 2), steps=st.sampled_from([3, 4, 5, 6, 7, 8, 99]))
    def an_upload_becomes_a_job(self, rank: int, steps: int) -> None:
        for offset, on in ((0, 99), (1, steps)):
            self.send_chunk(rank, offset)
            self.another_continues(len(self.others) - 1, on)

    @precondition(lambda self: len(self.uploads) < 3)
    @rule(steps=st.integers(3, 6), sweep=st.integers(3, 6))
    def a_gateway_pauses_while_its_upload_is_swept(self, steps: int, sweep: int) -> None:
        self.begin_upload()
        self.an_upload_becomes_a_job(len(self.uploads) - 1, steps)
        self.time_passes(UPLOAD_TTL + 1)
        self.continue_sweep(0, sweep)
        self.another_continues(len(self.others) - 1, 99)
        self.continue_sweep(0, 99)

    # --- workers

    @rule(rank=st.integers(0, 2), writes=st.booleans())
    def claim(self, rank: int, writes: bool) -> None:
        jobs = [job for job in self.known_jobs() if not job.state.terminal]
        if not jobs:
            return
        claimed = self.run(
            self.jobs.claim(
                jobs[rank % len(jobs)].id, worker="w", lease_until=self.now + LEASE, now=self.now
            )
        )
        if claimed:
            self.attempts.append(Attempt(claimed))
            if writes and not self.is_being_made(claimed):
                self.work(0, "write")

    @precondition(lambda self: self.attempts)
    @rule(
        ago=st.integers(0, 2),
        outcome=st.sampled_from(["reject", "write", "succeed", "fail", "break"]),
    )
    def work(self, ago: int, outcome: str) -> None:
        attempt = self.attempts[-1 - ago % len(self.attempts)]
        self.run(self._work(attempt, outcome))

    async def _work(self, attempt: Attempt, outcome: str) -> None:
        job = attempt.job
        writes = outcome == "write" or (outcome == "succeed" and not attempt.written)
        if writes or outcome == "reject":
            # Rejects are written first: a worker may be killed before it writes the result.
            await self.blobs.create(attempt.rejects, len(REJECTED))
            await self.blobs.write(attempt.rejects, 0, stream(REJECTED))
        if writes:
            await self.blobs.create(attempt.output, len(OUTPUT))
            await self.blobs.write(attempt.output, 0, stream(OUTPUT))
            attempt.written = True
        with suppress(LeaseLost):
            if outcome == "succeed":
                rejects = JobRejects(attempt.rejects, len(REJECTED), "1" * 64)
                result = JobResult(attempt.output, len(OUTPUT), "0" * 64, 1, 1, rejects)
                await self.jobs.succeed(job.id, job.attempt, result, now=self.now)
            elif outcome in ("fail", "break"):
                await self.jobs.fail(
                    job.id, job.attempt, "why", final=outcome == "fail", now=self.now
                )

    @rule(rank=st.integers(0, 2), outcome=st.sampled_from(["succeed", "fail"]))
    def a_job_is_done(self, rank: int, outcome: str) -> None:
        self.claim(rank, writes=True)
        if self.attempts:
            self.work(0, outcome)

    # --- invariants

    def bytes_of(self, key: BlobKey) -> bytes | None:
        path = self.blobs.local_path(key)
        return path.read_bytes() if path else None

    @invariant()
    def needed_blobs_exist(self) -> None:
        # One invariant, because it costs a query after every step.
        jobs = {job.id: job for job in self.known_jobs()}
        self.blobs_of_jobs_exist(jobs.values())
        # The output of a running attempt exists.
        for attempt in self.attempts:
            job = jobs[attempt.job.id]
            if attempt.written and (job.state, job.attempt) == ("STARTED", attempt.job.attempt):
                assert self.bytes_of(attempt.output) == OUTPUT
                assert self.bytes_of(attempt.rejects) == REJECTED
        # A recently used upload exists.
        have_a_job = {job.upload_id for job in jobs.values()}
        for upload_id, used in self.last_used.items():
            if upload_id in have_a_job or upload_id in self.deleted:
                continue
            if self.now - used < UPLOAD_TTL:
                assert blob_folder(self.root, upload_key(upload_id)).exists()

    def is_being_made(self, job: Job) -> bool:
        if job.upload_id is None:
            return job.id in self.being_asked
        return bool(self.being_made.get(job.upload_id))

    def blobs_of_jobs_exist(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            if self.is_being_made(job) or job.expired_at is not None:
                continue
            for each in job.inputs:
                # A client may delete what only jobs read that have ended, and its own job with it.
                gone = each.upload_id in self.deleted and (
                    job.state.terminal or job.upload_id is not None
                )
                if job.state is not JobState.REVOKED and not gone:
                    assert self.bytes_of(each.key) == CONTENT, f"no input: {job}"
            if job.result:
                assert self.bytes_of(job.result.key) == OUTPUT, f"no result: {job}"
                assert job.result.rejects is not None
                assert self.bytes_of(job.result.rejects.key) == REJECTED, f"no rejects: {job}"

    def teardown(self) -> None:
        try:
            self.run(self._finish_all())
            self.blobs_of_jobs_exist(self.known_jobs())
        finally:
            self.run(self.stack.aclose())
            self.runner.close()

    async def _finish_all(self) -> None:
        for actor in self.sweepers.values():
            await actor.kill()
        for actor in self.others:
            while await actor.step():
                pass
        self.now += RESULT_TTL + UPLOAD_TTL
        await self.sweeper(self.blobs, self.jobs).sweep()
        # Only blobs of unfinished jobs are left.
        jobs = await self.all_jobs()
        needed = {each.key for job in jobs if not job.state.terminal for each in job.inputs} | {
            key(job.id, job.attempt)
            for job in jobs
            if job.state is JobState.STARTED
            for key in (result_key, rejects_key)
        }
        left = set()
        for kind in (UPLOADS, RESULTS):
            async with self.blobs.walk(kind) as found:
                left |= {activity.key async for activity in found}
        assert left <= needed
        assert all(job.expired_at for job in jobs if job.state.terminal)


def context_of(ports: Ports) -> UploadContext:
    return UploadContext(
        ports,
        GatewaySettings(),
        GatewayEvents.uncounted(),
        HeaderChecker(),
        HeadStartOffers(ports.jobs.head_starts, min_size=1 << 30),
        Quotas(ports.jobs.access.quotas, Limits()),
        DEFAULT_TENANT,
    )


async def _once(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data


async def _ended(work: Coroutine[Any, Any, int]) -> None:
    await work


ASK_STEPS = (1, 3, 5, 12)
REMOVAL_STEPS = (0, 2, 4, 6, 8, 11, 13, 15, 17)
"""Where an ask stops, and what removes its upload: after more, nothing is left to decide."""


@pytest.mark.parametrize(("remover", "pause"), [("sweep", GRACE + 1), ("delete", 0), ("cancel", 0)])
def test_of_an_ask_and_a_removal_exactly_one_wins_wherever_both_stop(
    remover: str, pause: float
) -> None:
    won = set()
    for ask_steps, steps in product(ASK_STEPS, REMOVAL_STEPS):
        machine = Interleavings()
        try:
            won.add(_ask_and_remove(machine, remover, ask_steps, steps, pause))
        finally:
            machine.teardown()
    assert won == {"ask", "removal"}


def _ask_and_remove(
    machine: Interleavings, remover: str, ask_steps: int, steps: int, pause: float
) -> str:
    """Run both, each in two parts; return which of them has won."""
    while machine.others:
        machine.another_continues(0, 99)
    if remover != "cancel":
        machine.a_job_is_done(0, "succeed")
    if remover == "sweep":
        machine.time_passes(RESULT_TTL + 1)
        machine.continue_sweep(0, steps)
    elif remover == "delete":
        machine.delete_upload(0)
    else:
        machine.request_job_change(0, retry=False)
    if remover != "sweep":
        machine.another_continues(0, steps)
    machine.ask(0, several=False)
    machine.another_continues(len(machine.others) - 1, ask_steps)
    machine.time_passes(pause)
    if remover == "sweep":
        machine.continue_sweep(0, 99)
    while machine.others:  # the removal first, if it has not ended
        machine.another_continues(0, 99)
        machine.needed_blobs_exist()
    machine.continue_sweep(0, 99)
    machine.needed_blobs_exist()
    asked = machine.run(machine.jobs.get_many(machine.asked)).values()
    return "ask" if any(job.state is JobState.PENDING for job in asked) else "removal"


@pytest.mark.timeout(600)  # a failure takes its time to be made minimal
@pytest.mark.parametrize("examples", [50, pytest.param(400, marks=pytest.mark.long)])
def test_no_interleaving_removes_a_blob_that_a_job_may_need(examples: int) -> None:
    run_state_machine_as_test(
        Interleavings,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
