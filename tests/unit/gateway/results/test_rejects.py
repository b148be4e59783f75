"""`GET` and `HEAD /api/v1/jobs/{job_id}/rejects`."""

from __future__ import annotations

import gzip
import hashlib
import time
from typing import TYPE_CHECKING

import pytest

from shared.blobs.blob import rejects_key
from shared.jobs.job import JobRejects
from shared.jobs.rejects import NO_REJECTS
from tests.unit.gateway.results.test_download import ask

if TYPE_CHECKING:
    from shared.jobs.job import Job
    from tests.unit.gateway.conftest import Gateway

REJECTS = NO_REJECTS + b'2,26,3,"found \'x\', expected an integer","a,b,\xff"\n' * 1000
SHA256 = hashlib.sha256(REJECTS).hexdigest()


def path_of(job: Job) -> str:
    return f"/api/v1/jobs/{job.id}/rejects"


@pytest.fixture
async def job(gateway: Gateway) -> Job:
    return await gateway.finished_job(b"result", rejects=REJECTS, filename="Čaj.CSV")


async def test_rejects_are_csv_byte_for_byte_as_an_attachment(gateway: Gateway, job: Job) -> None:
    status, headers, body = await ask(gateway, path_of(job))
    assert (status, body) == (200, REJECTS)
    assert headers["Content-Type"] == "text/csv"
    assert headers["ETag"] == f'"{SHA256}"'
    assert "filename*=UTF-8''%C4%8Caj.rejects.csv" in headers["Content-Disposition"]
    assert headers["Cache-Control"] == "private, max-age=604800, immutable, no-transform"
    status, of_head, nothing = await ask(gateway, path_of(job), "HEAD")
    assert (status, nothing, of_head["Content-Length"]) == (200, b"", str(len(REJECTS)))


async def test_rejects_support_ranges_and_content_codings(gateway: Gateway, job: Job) -> None:
    status, headers, body = await ask(gateway, path_of(job), Range="bytes=5-10")
    assert (status, body) == (206, REJECTS[5:11])
    assert headers["Content-Range"] == f"bytes 5-10/{len(REJECTS)}"
    status, _, body = await ask(gateway, path_of(job), Accept_Encoding="gzip")
    assert gzip.decompress(body) == REJECTS
    status, _, _ = await ask(gateway, path_of(job), If_None_Match=f'"{SHA256}"')
    assert status == 304


async def test_a_job_without_rejected_records_has_only_the_header(
    gateway: Gateway,
) -> None:
    job = await gateway.finished_job(b"result")
    status, headers, body = await ask(gateway, path_of(job))
    assert (status, body) == (200, b"line,offset,column,reason,record\n")
    assert headers["ETag"] == f'"{hashlib.sha256(NO_REJECTS).hexdigest()}"'
    status, headers, body = await ask(gateway, path_of(job), Range="bytes=0-3")
    assert (status, body) == (206, b"line")


async def test_a_job_without_a_result_has_no_rejects(gateway: Gateway) -> None:
    job = await gateway.started_job()
    await gateway.jobs.fail(job.id, 1, "line 2: why", final=True, now=time.time())
    response = await gateway.client.get(path_of(job))
    problem = await response.json()
    assert (response.status, problem["type"]) == (409, "urn:csvmill:problem:no-result")
    assert problem["detail"].endswith("FAILURE: line 2: why")


async def test_rejects_expire_with_the_result(gateway: Gateway) -> None:
    for rejects in (REJECTS, b""):
        job = await gateway.finished_job(b"result", rejects=rejects, finished_at=1.0)
        await gateway.jobs.expire(finished_before=2.0, now=3.0, limit=9)
        response = await gateway.client.get(path_of(job))
        assert (await response.json())["type"] == "urn:csvmill:problem:result-expired"
        assert response.status == 410


async def test_lost_rejects_are_an_error_and_not_an_empty_file(gateway: Gateway, job: Job) -> None:
    await gateway.blobs.delete(rejects_key(job.id, 1))
    response = await gateway.client.get(path_of(job))
    assert response.status == 500


async def test_the_rejects_are_those_of_the_successful_attempt(gateway: Gateway, job: Job) -> None:
    assert job.result is not None
    assert job.result.rejects == JobRejects(rejects_key(job.id, job.attempt), len(REJECTS), SHA256)
