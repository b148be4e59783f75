"""Attempts that fail because of storage, although it is available again afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processor.attempt.storage_fault import MAX_UNCOUNTED
from shared.errors import AttemptFailed, StorageUnavailable
from shared.jobs.job import JobState

if TYPE_CHECKING:
    from tests.unit.processor.conftest import Rig

RESET = StorageUnavailable("storage does not answer: connection reset")


def through_the_engine() -> AttemptFailed:
    """The error of an engine whose source raised an error."""
    error = AttemptFailed(f"the source could not be read: {RESET}")
    error.__cause__ = RESET
    return error


@pytest.mark.parametrize("error", [RESET, through_the_engine()], ids=["result", "source"])
async def test_a_storage_fault_does_not_count_although_storage_is_available_again(
    rig: Rig, error: Exception
) -> None:
    rig.settings = rig.settings.model_copy(update={"retry_delay": 0.0})
    job = await rig.job(max_attempts=1)
    rig.engine.errors = [error]
    delivery = rig.delivery(job)
    await rig.worker().handle(delivery)
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "RETRY")
    assert rig.bus.published == [(delivery.wakeup, 0.0)]
    (attempt,) = await rig.jobs.attempts(job.id)
    assert (attempt.outcome, attempt.reason) == ("released", f"storage failed: {error}")
    # And the next attempt succeeds
    await rig.worker().handle(rig.delivery(job))
    assert (await rig.jobs.get(job.id)).state is JobState.SUCCESS


async def test_the_job_of_an_unreadable_blob_fails_after_the_uncounted_faults(rig: Rig) -> None:
    rig.settings = rig.settings.model_copy(update={"retry_delay": 0.0})
    job = await rig.job(max_attempts=2)
    rig.engine.errors = [through_the_engine() for _ in range(MAX_UNCOUNTED + 2)]
    for _ in range(MAX_UNCOUNTED + 2):
        assert (await rig.jobs.get(job.id)).state in (JobState.PENDING, JobState.RETRY)
        await rig.worker().handle(rig.delivery(job))
    failed = await rig.jobs.get(job.id)
    assert failed.state is JobState.FAILURE
    assert failed.reason == str(through_the_engine())
    outcomes = [attempt.outcome for attempt in await rig.jobs.attempts(job.id)]
    assert outcomes == ["released"] * MAX_UNCOUNTED + ["failure"] * 2


async def test_a_failure_with_another_cause_counts(rig: Rig) -> None:
    job = await rig.job(max_attempts=1)
    error = AttemptFailed("out of memory")
    error.__cause__ = MemoryError()
    rig.engine.errors = [error]
    await rig.worker().handle(rig.delivery(job))
    assert (await rig.jobs.get(job.id)).state is JobState.FAILURE
