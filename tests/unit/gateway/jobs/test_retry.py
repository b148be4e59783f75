"""`POST /api/v1/jobs/ID/retry`: a failed job runs again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from shared.jobs.job import JobState
from shared.jobs.wake_up import WakeUp
from tests.unit.gateway.jobs.states import claimed, failed, uploaded
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway


async def test_a_retried_job_waits_again_and_its_wake_up_is_published(gateway: Gateway) -> None:
    job = await failed(gateway)
    gateway.bus.published.clear()
    response = await gateway.client.post(f"/api/v1/jobs/{job.id}/retry")
    shown = await response.json()
    assert (response.status, shown["state"], shown["reason"]) == (200, "RETRY", "no memory")
    assert (shown["finished_at"], len(shown["attempts"])) == (None, 1)
    assert gateway.bus.published == [job.id]
    assert shown["published_at"] is not None
    assert (await claimed(gateway, job)).attempt == 2


async def test_a_retry_succeeds_while_the_broker_does_not_answer(gateway: Gateway) -> None:
    job = await failed(gateway)
    gateway.bus.away = True
    response = await gateway.client.post(f"/api/v1/jobs/{job.id}/retry")
    assert (response.status, (await response.json())["published_at"]) == (200, None)
    # The relay finds the job at once, even if it is new
    now = job.created_at + 15
    overdue = await gateway.jobs.overdue(
        now=now, unpublished_for=15, lost_before=now - 300, limit=9
    )
    assert overdue == [WakeUp.of(job)]


async def test_only_a_failed_job_can_be_retried(gateway: Gateway) -> None:
    revoked = await uploaded(gateway)
    await gateway.client.delete(f"/api/v1/jobs/{revoked.id}")
    for job in (
        await gateway.pending_job(),
        await gateway.started_job(),
        await gateway.finished_job(b"x"),
        revoked,
    ):
        before = await gateway.jobs.get(job.id)
        gateway.bus.published.clear()
        response = await gateway.client.post(f"/api/v1/jobs/{job.id}/retry")
        problem = await problem_of(response, 409, "job-not-failed")
        assert before.state in problem["detail"]
        assert await gateway.jobs.get(job.id) == before
        assert gateway.bus.published == []


@pytest.mark.parametrize("how", ["deleted", "expired"])
async def test_a_job_whose_input_was_deleted_cannot_be_retried(gateway: Gateway, how: str) -> None:
    job = await failed(gateway)
    if how == "deleted":
        await gateway.blobs.delete(job.inputs[0].key)
    else:
        now = time.time()
        await gateway.jobs.expire(finished_before=now + 1, now=now, limit=9)
    response = await gateway.client.post(f"/api/v1/jobs/{job.id}/retry")
    problem = await problem_of(response, 409, "input-removed")
    assert "upload the file again" in problem["detail"]
    assert (await gateway.jobs.get(job.id)).state is JobState.FAILURE
