"""`GET /api/file_status/{job_id}`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from shared.jobs.job import Job
    from tests.unit.gateway.conftest import Gateway


async def _in_state(gateway: Gateway, state: str) -> Job:
    if state == "PENDING":
        return await gateway.pending_job()
    if state == "SUCCESS":
        return await gateway.finished_job(b"x")
    job = await gateway.started_job()
    if state in ("RETRY", "FAILURE"):
        await gateway.jobs.fail(
            job.id, job.attempt, "line 7: no number", final=state == "FAILURE", now=time.time()
        )
    if state == "REVOKED":
        await gateway.jobs.cancel(job.id, now=time.time())
    return job


@pytest.mark.parametrize("state", ["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"])
async def test_the_status_has_the_id_under_both_keys_and_a_message_only_for_a_failure(
    gateway: Gateway, state: str
) -> None:
    job = await _in_state(gateway, state)
    response = await gateway.client.get(f"/api/file_status/{job.id}")
    expected = {"job_id": str(job.id), "jod_id": str(job.id), "job_status": state}
    if state == "FAILURE":
        expected["message"] = "line 7: no number"
    assert (response.status, await response.json()) == (200, expected)


@pytest.mark.parametrize("state", ["PENDING", "STARTED", "RETRY", "FAILURE", "REVOKED"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_only_a_successful_job_can_be_downloaded(
    gateway: Gateway, state: str, method: str
) -> None:
    job = await _in_state(gateway, state)
    response = await gateway.client.request(method, f"/api/download_file/{job.id}")
    assert response.status == 400
    if method == "GET":
        answer = await response.json()
        assert (answer["status"], answer["job_status"]) == ("error", state)
        assert state in answer["message"]
        assert ("line 7: no number" in answer["message"]) == (state == "FAILURE")


@pytest.mark.parametrize("path", ["file_status", "download_file"])
async def test_an_unknown_job_is_404(gateway: Gateway, path: str) -> None:
    for job_id in (str(uuid4()), "nonsense", "1", "%00", "..%2F..%2Fetc", "x" * 5000):
        response = await gateway.client.get(f"/api/{path}/{job_id}")
        answer = await response.json()
        assert (response.status, answer["status"]) == (404, "error"), job_id
        assert "job" in answer["message"]
