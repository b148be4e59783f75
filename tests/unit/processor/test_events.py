"""The metrics of attempts, on a worker with a scripted engine."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from processor.attempt.measured_engine import MeasuredEngine
from processor.attempt.run import JobRun
from processor.attempt_events import warn_of_confinement
from processor.engines.confinement import MEASURES
from processor.events import ProcessorEvents
from processor.metrics import ProcessorMetrics
from processor.worker import Worker
from shared.bus.counted import BusMetrics, CountedBus
from shared.errors import AttemptFailed, BrokerUnavailable, MalformedInput
from shared.telemetry.metrics import Metrics
from tests.metrics import Exposition
from tests.unit.processor.conftest import INPUT, OUTPUT, REPORT

if TYPE_CHECKING:
    from tests.unit.processor.conftest import Rig


class Counted:
    """A worker of the rig, and its metrics."""

    def __init__(self, rig: Rig) -> None:
        self.now_is_later_by = 0.0
        self._metrics = Metrics("processor")
        engine = MeasuredEngine(rig.engine, "scripted", self._metrics.of(ProcessorMetrics))
        self.worker = Worker(
            rig.jobs,
            CountedBus(rig.bus, self._metrics.of(BusMetrics)),
            JobRun(rig.blobs, engine, rig.scratch),
            rig.settings,
            events=ProcessorEvents(self._metrics),
            name="tester",
            clock=lambda: time.time() + self.now_is_later_by,
        )

    async def shown(self) -> Exposition:
        body, _ = await self._metrics.page("")
        return Exposition.of(body.decode())


async def test_a_success_is_counted_with_its_rows_and_bytes(rig: Rig) -> None:
    counted = Counted(rig)
    await counted.worker.handle(rig.delivery(await rig.job()))
    metrics = await counted.shown()
    assert metrics.value("csvmill_jobs_total", state="SUCCESS", reason="done") == 1
    assert metrics.value("csvmill_attempts_total", outcome="success") == 1
    assert metrics.value("csvmill_attempt_duration_seconds_count", outcome="success") == 1
    assert metrics.value("csvmill_job_queue_wait_seconds_count") == 1
    engine = {"engine": "scripted", "plan": "only"}
    assert metrics.value("csvmill_job_duration_seconds_count", **engine) == 1
    assert metrics.value("csvmill_job_input_rows_total", **engine) == 1
    assert metrics.value("csvmill_job_output_rows_total", **engine) == 1
    assert metrics.value("csvmill_job_input_bytes_total", **engine) == len(INPUT)
    assert metrics.value("csvmill_job_output_bytes_total", **engine) == len(OUTPUT)


@pytest.mark.parametrize(
    ("error", "max_attempts", "state", "reason"),
    [
        (MalformedInput("line 2"), 3, "FAILURE", "malformed_input"),
        (AttemptFailed("killed"), 3, "RETRY", "attempt_failed"),
        (AttemptFailed("killed"), 1, "FAILURE", "attempt_failed"),
        (ZeroDivisionError("secret"), 1, "FAILURE", "unexpected"),
    ],
)
async def test_a_failure_is_counted_by_its_code_and_not_by_its_text(
    rig: Rig, error: Exception, max_attempts: int, state: str, reason: str
) -> None:
    counted = Counted(rig)
    rig.engine.errors = [error]
    await counted.worker.handle(rig.delivery(await rig.job(max_attempts)))
    metrics = await counted.shown()
    assert metrics.value("csvmill_jobs_total", state=state, reason=reason) == 1
    assert metrics.value("csvmill_attempts_total", outcome="failure") == 1
    assert metrics.value("csvmill_jobs_total", state="SUCCESS") == 0


async def test_the_queue_wait_is_observed_once_per_job(rig: Rig) -> None:
    counted = Counted(rig)
    rig.engine.errors = [AttemptFailed("killed")]
    job = await rig.job()
    await counted.worker.handle(rig.delivery(job))
    counted.now_is_later_by = rig.settings.retry_delay
    await counted.worker.handle(rig.delivery(job))
    metrics = await counted.shown()
    assert metrics.value("csvmill_job_queue_wait_seconds_count") == 1
    assert metrics.value("csvmill_jobs_total", state="SUCCESS") == 1


async def test_an_attempt_that_a_stopped_worker_releases_is_counted_as_released(rig: Rig) -> None:
    counted = Counted(rig)
    rig.engine.may_finish.clear()
    handling = asyncio.create_task(counted.worker.handle(rig.delivery(await rig.job())))
    await rig.engine.started.wait()
    assert (await counted.shown()).value("csvmill_attempts_running") == 1
    await counted.worker.stop()
    await handling
    metrics = await counted.shown()
    assert metrics.value("csvmill_jobs_total", state="RETRY", reason="shutdown") == 1
    assert metrics.value("csvmill_attempts_total", outcome="released") == 1
    assert metrics.value("csvmill_attempts_running") == 0


async def test_a_cancelled_job_is_counted_as_a_lost_lease(rig: Rig) -> None:
    counted = Counted(rig)
    rig.engine.may_finish.clear()
    job = await rig.job()
    handling = asyncio.create_task(counted.worker.handle(rig.delivery(job)))
    await rig.engine.started.wait()
    await rig.jobs.cancel(job.id, now=time.time())
    rig.engine.may_finish.set()
    await handling
    metrics = await counted.shown()
    assert metrics.value("csvmill_leases_lost_total") == 1
    assert metrics.value("csvmill_jobs_total", state="SUCCESS") == 0


async def test_a_job_whose_last_attempt_was_lost_is_counted_as_a_failure(rig: Rig) -> None:
    counted = Counted(rig)
    job = await rig.job(max_attempts=1)
    now = time.time()
    await rig.jobs.claim(job.id, worker="dead", lease_until=now - 1, now=now - 2)
    await counted.worker.handle(rig.delivery(job))
    metrics = await counted.shown()
    assert metrics.value("csvmill_jobs_total", state="FAILURE", reason="lost") == 1


async def test_a_dead_letter_is_counted_when_the_broker_has_confirmed_it(rig: Rig) -> None:
    counted = Counted(rig)
    rig.engine.errors = [AttemptFailed("killed")]
    job = await rig.job(max_attempts=1)
    # When the broker does not accept it at first
    rig.bus.error = BrokerUnavailable("short of memory")
    await counted.worker.handle(rig.delivery(job))
    metrics = await counted.shown()
    assert metrics.value("csvmill_publish_failures_total") == 1
    assert metrics.value("csvmill_dead_letters_total") == 0
    rig.bus.error = None
    await counted.worker.handle(rig.delivery(job))
    assert (await counted.shown()).value("csvmill_dead_letters_total") == 1


def test_what_does_not_confine_the_engine_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    report = replace(REPORT, engine="kernel", confinement=("rlimits", "no_new_privs"))
    for _ in range(2):
        warn_of_confinement(report)
    (line,) = caplog.messages
    assert line.startswith("the engine is not confined by landlock and seccomp")

    warn_of_confinement(replace(report, confinement=MEASURES))
    assert len(caplog.messages) == 1
