"""The worker records the report of each attempt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.csv.problems import Problem
from shared.errors import (
    AttemptFailed,
    MalformedInput,
)
from shared.jobs.report import Report, Seconds
from tests.unit.processor.conftest import INPUT, REPORT

if TYPE_CHECKING:
    from tests.unit.processor.conftest import Rig


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
