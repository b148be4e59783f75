"""`/api/v1/jobs` and `/api/v1/uploads`."""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from yarl import URL

from gateway.uploads.upload import upload_id_of
from shared.csv.dialect import Dialect
from shared.csv.problems import Problem
from shared.errors import (
    BlobNotFound,
    CsvmillError,
    DatabaseUnavailable,
    StorageUnavailable,
    error_classes,
)
from shared.jobs.job import JobProgress, JobState
from shared.jobs.report import Report, Rows, Seconds

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job
    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Gateway, Start

BODY = b"Song,Date,Number of Plays\na,2026-01-01,1\n"


async def uploaded(gateway: Gateway, dzuuid: str = "an upload") -> Job:
    """Return the job of a file uploaded through the API."""
    answer = await gateway.chunk(dzuuid, BODY, offset=0, size=len(BODY), total=len(BODY))
    return await gateway.job_of(answer)


async def claimed(gateway: Gateway, job: Job) -> Job:
    now = time.time()
    taken = await gateway.jobs.claim(job.id, worker="host:7", lease_until=now + 60, now=now)
    assert taken is not None
    return taken


async def failed(gateway: Gateway, dzuuid: str = "an upload") -> Job:
    """Return a job whose only attempt failed finally."""
    job = await claimed(gateway, await uploaded(gateway, dzuuid))
    return await gateway.jobs.fail(job.id, job.attempt, "no memory", final=True, now=time.time())


async def is_kept(gateway: Gateway, key: BlobKey) -> bool:
    try:
        await gateway.blobs.info(key)
    except BlobNotFound:
        return False
    return True


async def problem_of(response: ClientResponse, status: int, name: str) -> dict[str, Any]:
    """Return the problem details of an answer, which must have this type."""
    assert response.content_type == "application/problem+json"
    problem: dict[str, Any] = await response.json()
    assert (response.status, problem["status"]) == (status, status)
    assert problem["type"] == (name if ":" in name else f"urn:csvmill:problem:{name}")
    assert problem["title"]
    return problem


# What a job shows


async def test_a_finished_job_shows_its_input_its_result_and_its_attempts(
    gateway: Gateway,
) -> None:
    job = await gateway.finished_job(b"result", filename="Čaj.csv", finished_at=1_767_323_045.678)
    response = await gateway.client.get(f"/api/v1/jobs/{job.id}")
    shown = await response.json()
    assert response.status == 200
    assert job.result is not None
    (attempt,) = shown.pop("attempts")
    created, started = shown.pop("created_at"), attempt.pop("started_at")
    for text, expected in ((created, job.created_at), (started, time.time())):
        assert text.endswith("Z")
        moment = datetime.fromisoformat(text)
        assert moment.tzinfo == UTC
        assert moment.timestamp() == pytest.approx(expected, abs=60)
    assert shown == {
        "id": str(job.id),
        "state": "SUCCESS",
        "attempt": 1,
        "max_attempts": 3,
        "published_at": None,
        "finished_at": "2026-01-02T03:04:05.678Z",
        "reason": None,
        "filename": "Čaj.csv",
        "input_size": 1,
        "aggregation": {
            "group_by": [{"column": 1, "name": "Song"}, {"column": 2, "name": "Date"}],
            "aggregates": [
                {
                    "function": "sum",
                    "column": 3,
                    "name": "Total Number of Plays for Date",
                    "type": "integer",
                    "empty": "fail",
                }
            ],
            "output": "csv",
        },
        "progress": {
            "bytes_done": 1,
            "bytes_total": 1,
            "rows_done": 1,
            "rows_estimated": False,
            "percent": 100.0,
            "eta": 0.0,
        },
        "result": {"size": 6, "sha256": job.result.sha256, "rows_in": 1, "rows_out": 1},
        # Like a job of a version without reports.
        "report": None,
        "problems": [],
        "problem_count": None,
    }
    assert attempt == {
        "number": 1,
        "worker": "w",
        "ended_at": "2026-01-02T03:04:05.678Z",
        "outcome": "success",
        "reason": None,
    }


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        (None, (0, None, False, 0.0, None)),
        (JobProgress(999, 7), (999, 7, False, 99.9, None)),
        (JobProgress(250, rate=100.0), (250, None, False, 25.0, 7.5)),
        (JobProgress(250, 3, rows_estimated=True), (250, 3, True, 25.0, None)),
        # Everything is read; the duration of the writing is unknown.
        (JobProgress(1000, 9, rate=100.0), (1000, 9, False, 100.0, None)),
    ],
)
async def test_a_running_job_shows_its_progress(
    gateway: Gateway, recorded: JobProgress | None, shown: tuple[object, ...]
) -> None:
    job = await claimed(gateway, await gateway.pending_job(input_size=1000))
    if recorded:
        await gateway.jobs.record_progress(job.id, 1, recorded)
    answer = await (await gateway.client.get(f"/api/v1/jobs/{job.id}")).json()
    done, rows, estimated, percent, eta = shown
    assert answer["progress"] == {
        "bytes_done": done,
        "bytes_total": 1000,
        "rows_done": rows,
        "rows_estimated": estimated,
        "percent": percent,
        "eta": eta,
    }


async def test_a_waiting_job_has_no_progress_and_a_failed_one_keeps_it(
    gateway: Gateway,
) -> None:
    async def progress() -> Any:
        return (await (await gateway.client.get(f"/api/v1/jobs/{job.id}")).json())["progress"]

    job = await gateway.pending_job(input_size=1000)
    assert await progress() is None
    await claimed(gateway, job)
    await gateway.jobs.record_progress(job.id, 1, JobProgress(500, rate=1.0))
    await gateway.jobs.fail(job.id, 1, "no memory", final=False, now=time.time())
    assert await progress() is None
    await claimed(gateway, job)
    await gateway.jobs.fail(job.id, 2, "no memory", final=True, now=time.time())
    assert await progress() is None
    await gateway.jobs.retry(job.id)
    await claimed(gateway, job)
    await gateway.jobs.record_progress(job.id, 3, JobProgress(250, rate=1.0))
    await gateway.jobs.fail(job.id, 3, "no memory", final=True, now=time.time())
    found = await progress()
    assert (found["bytes_done"], found["percent"], found["eta"]) == (250, 25.0, None)


async def test_every_attempt_is_shown_with_its_worker_and_reason(gateway: Gateway) -> None:
    job = await claimed(gateway, await uploaded(gateway))
    await gateway.jobs.fail(job.id, 1, "no memory", final=False, now=time.time())
    await claimed(gateway, job)
    shown = await (await gateway.client.get(f"/api/v1/jobs/{job.id}")).json()
    assert (shown["state"], shown["result"], shown["finished_at"]) == ("STARTED", None, None)
    assert [
        (a["number"], a["worker"], a["outcome"], a["reason"], a["ended_at"] is None)
        for a in shown["attempts"]
    ] == [(1, "host:7", "failure", "no memory", False), (2, "host:7", None, None, True)]


async def test_the_report_of_a_finished_job_is_shown(gateway: Gateway) -> None:
    dialect = Dialect(delimiter=";", encoding="latin-1", bom=False, line_ends=("lf",))
    report = Report(
        Rows(aggregated=5, filtered=4, rejected=2),
        groups=3,
        problem_count=2,
        dialect=dialect,
        rows_of_several_lines=4,
        most_lines=9,
        engine="duckdb",
        engine_version="1.2.3",
        plan="exact",
        bytes_in=10,
        bytes_decompressed=30,
        bytes_out=6,
        seconds=Seconds(queue=0.12345, aggregate=2.0, write=1.0, store=0.5),
        peak_memory=1 << 20,
        peak_scratch=1 << 12,
        confinement=("rlimits", "seccomp"),
        attempts=1,
    )
    job = await gateway.finished_job(b"result", report=report)
    shown = await (await gateway.client.get(f"/api/v1/jobs/{job.id}")).json()
    assert shown["report"] == {
        "dialect": {**asdict(dialect), "bom": False, "line_ends": ["lf"]},
        "engine": "duckdb",
        "engine_version": "1.2.3",
        "plan": "exact",
        "rows_in": 11,
        "rows_aggregated": 5,
        "rows_filtered": 4,
        "rows_rejected": 2,
        "rows_of_several_lines": 4,
        "most_lines": 9,
        "groups": 3,
        "bytes_in": 10,
        "bytes_decompressed": 30,
        "bytes_out": 6,
        "seconds": {"queue": 0.123, "aggregate": 2.0, "write": 1.0, "store": 0.5},
        "peak_memory": 1048576,
        "peak_scratch": 4096,
        "confinement": ["rlimits", "seccomp"],
        "attempts": 1,
    }  # fmt: skip
    assert (shown["problems"], shown["problem_count"]) == ([], 2)
    # `rows_in` means the same, even if an older version recorded the result
    assert job.result is not None
    assert job.result.rows_in == 1
    assert shown["result"]["rows_in"] == shown["progress"]["rows_done"] == 11


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("dialect", [None, Dialect(delimiter=";")])
async def test_an_unfinished_report_shows_resources_and_no_rows(
    gateway: Gateway, dialect: Dialect | None, final: bool
) -> None:
    used = Report(
        dialect=dialect, engine="duckdb", plan="fast", bytes_in=10, peak_memory=1 << 30,
        peak_scratch=1 << 20, seconds=Seconds(aggregate=2.5), attempts=1, unfinished=True,
    )  # fmt: skip
    job = await claimed(gateway, await uploaded(gateway))
    await gateway.jobs.fail(job.id, 1, "no memory", final=final, now=time.time(), report=used)
    shown = await (await gateway.client.get(f"/api/v1/jobs/{job.id}")).json()
    report = shown["report"]
    assert (report["peak_memory"], report["peak_scratch"]) == (1 << 30, 1 << 20)
    assert (report["bytes_in"], report["seconds"]["aggregate"]) == (10, 2.5)
    assert report["dialect"] == (asdict(dialect) if dialect else None)
    assert [name for name, value in report.items() if value is None and name != "dialect"] == [
        "rows_in", "rows_aggregated", "rows_filtered", "rows_rejected",
        "rows_of_several_lines", "most_lines", "groups",
        "bytes_decompressed", "bytes_out",
    ]  # fmt: skip
    assert (shown["problems"], shown["problem_count"]) == ([], None)


async def test_a_failure_shows_the_problems_of_the_file(gateway: Gateway) -> None:
    problems = tuple(
        Problem(line, 10 * line, column, name, "'x'", "an integer", b"")
        for line, column, name in ((2, 3, "Plays"), (7, None, None))
    )
    job = await claimed(gateway, await uploaded(gateway))
    await gateway.jobs.fail(
        job.id, 1, "line 2 ...", final=True, now=time.time(),
        report=Report(Rows(rejected=41), problems=problems, problem_count=41, attempts=1),
    )  # fmt: skip
    shown = await (await gateway.client.get(f"/api/v1/jobs/{job.id}")).json()
    common = {"found": "'x'", "expected": "an integer"}
    assert shown["problems"] == [
        {"line": 2, "offset": 20, "column": 3, "name": "Plays", **common},
        {"line": 7, "offset": 70, "column": None, "name": None, **common},
    ]
    assert (shown["problem_count"], shown["report"]["rows_rejected"]) == (41, 41)


# Cancelling a job


@pytest.mark.parametrize("started", [False, True])
async def test_a_cancelled_job_is_revoked_at_once_and_its_input_deleted(
    gateway: Gateway, started: bool
) -> None:
    job = await uploaded(gateway)
    if started:
        await claimed(gateway, job)
    response = await gateway.client.delete(f"/api/v1/jobs/{job.id}")
    shown = await response.json()
    assert (response.status, shown["state"]) == (200, "REVOKED")
    assert [a["outcome"] for a in shown["attempts"]] == ["revoked"] * started
    assert (await gateway.jobs.get(job.id)).state is JobState.REVOKED
    assert not await is_kept(gateway, job.input_key)
    # Repeating the request returns the same
    again = await gateway.client.delete(f"/api/v1/jobs/{job.id}")
    assert (again.status, await again.json()) == (200, shown)


async def test_a_job_that_has_ended_cannot_be_cancelled_and_keeps_its_files(
    gateway: Gateway,
) -> None:
    for job in (await failed(gateway), await gateway.finished_job(b"result")):
        before = await gateway.jobs.get(job.id)
        response = await gateway.client.delete(f"/api/v1/jobs/{job.id}")
        problem = await problem_of(response, 409, "job-finished")
        assert before.state in problem["detail"]
        assert await gateway.jobs.get(job.id) == before
        kept = before.result.key if before.result else before.input_key
        assert await is_kept(gateway, kept)


async def test_a_job_can_be_cancelled_while_storage_does_not_answer(start_gateway: Start) -> None:
    away = True

    def in_front(blobs: FilesystemBlobs) -> FilesystemBlobs:
        delete = blobs.delete

        async def sometimes(key: BlobKey) -> None:
            if away:
                raise StorageUnavailable("storage does not answer")
            await delete(key)

        blobs.delete = sometimes  # type: ignore[method-assign]  # the adapter is the test's own
        return blobs

    gateway = await start_gateway(blobs=in_front)
    job = await uploaded(gateway)
    response = await gateway.client.delete(f"/api/v1/jobs/{job.id}")
    assert (response.status, (await response.json())["state"]) == (200, "REVOKED")
    assert await is_kept(gateway, job.input_key)
    # Repeating the request deletes the input
    away = False
    await gateway.client.delete(f"/api/v1/jobs/{job.id}")
    assert not await is_kept(gateway, job.input_key)


async def test_the_url_of_a_job_also_cancels_an_incomplete_upload(
    gateway: Gateway,
) -> None:
    half = len(BODY) // 2
    await gateway.chunk("an upload", BODY[:half], offset=0, size=half, total=len(BODY))
    path = f"/api/v1/jobs/{upload_id_of('an upload')}"
    response = await gateway.client.delete(path)
    assert (response.status, await response.read()) == (204, b"")
    assert await gateway.stored("an upload") is None
    # The second time there is nothing to cancel
    problem = await problem_of(await gateway.client.delete(path), 404, "job-not-found")
    assert problem["detail"].startswith("There is no job and no upload ")


async def test_the_id_of_an_upload_that_has_become_a_job_cancels_the_job(gateway: Gateway) -> None:
    job = await uploaded(gateway, "an upload")
    for _ in range(2):
        response = await gateway.client.delete(f"/api/v1/jobs/{job.upload_id}")
        shown = await response.json()
        assert (response.status, shown["id"], shown["state"]) == (200, str(job.id), "REVOKED")
    assert not await is_kept(gateway, job.input_key)


# Cancelling an upload


@pytest.mark.parametrize(
    "dzuuid", ["an upload", "49513dc1-7de5-40d7-8c9c-ada8e629c774", "a/b?c=%2F#é", ".."]
)
async def test_a_cancelled_upload_is_removed_and_a_later_chunk_starts_it_again(
    gateway: Gateway, dzuuid: str
) -> None:
    half = len(BODY) // 2
    await gateway.chunk(dzuuid, BODY[:half], offset=0, size=half, total=len(BODY))
    # A path cannot contain "..", so an upload of that name is addressed by its id
    name = quote(dzuuid, safe="") if dzuuid != ".." else str(upload_id_of(dzuuid))
    root = gateway.client.make_url("/api/v1/uploads/")
    url = URL(f"{root}{name}", encoded=True)
    response = await gateway.client.session.delete(url)
    assert (response.status, await response.read()) == (204, b"")
    assert await gateway.stored(dzuuid) is None
    # The second time there is nothing to remove
    again = await gateway.client.session.delete(url)
    await problem_of(again, 404, "upload-not-found")
    # The second half alone no longer completes the upload; both halves do
    rest = await gateway.chunk(dzuuid, BODY[half:], offset=half, size=half + 1, total=len(BODY))
    assert "job_id" not in rest
    whole = await gateway.chunk(dzuuid, BODY[:half], offset=0, size=half, total=len(BODY))
    assert (await gateway.job_of(whole)).state is JobState.PENDING


@pytest.mark.parametrize("by", ["dzuuid", "id"])
async def test_cancelling_an_upload_that_has_become_a_job_cancels_the_job(
    gateway: Gateway, by: str
) -> None:
    job = await uploaded(gateway, "an upload")
    name = "an upload" if by == "dzuuid" else str(job.upload_id)
    for _ in range(2):
        response = await gateway.client.delete(f"/api/v1/uploads/{name}")
        assert response.status == 204
    assert (await gateway.jobs.get(job.id)).state is JobState.REVOKED
    assert not await is_kept(gateway, job.input_key)


async def test_an_upload_whose_job_has_ended_is_not_removed(gateway: Gateway) -> None:
    job = await failed(gateway, "an upload")
    response = await gateway.client.delete("/api/v1/uploads/an upload")
    await problem_of(response, 409, "job-finished")
    assert await is_kept(gateway, job.input_key)


class RacingBlobs:
    """The real blobs; runs a function of the test before or after an upload is deleted."""

    def __init__(self, blobs: FilesystemBlobs) -> None:
        self._blobs = blobs
        self.before_delete: Any = None
        self.after_write: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)

    async def delete(self, key: BlobKey) -> None:
        if self.before_delete:
            action, self.before_delete = self.before_delete, None
            await action()
        await self._blobs.delete(key)

    async def write(self, *args: Any, **more: Any) -> Any:
        written = await self._blobs.write(*args, **more)
        if self.after_write:
            action, self.after_write = self.after_write, None
            await action()
        return written


@pytest.mark.parametrize("last_chunk_is", ["before", "after"])
async def test_cancelling_an_upload_during_its_last_chunk_leaves_no_running_job(
    start_gateway: Start, last_chunk_is: str
) -> None:
    racing: list[RacingBlobs] = []

    def in_front(blobs: FilesystemBlobs) -> Any:
        racing.append(RacingBlobs(blobs))
        return racing[0]

    gateway = await start_gateway(blobs=in_front)
    half = len(BODY) // 2
    await gateway.chunk("racing", BODY[:half], offset=0, size=half, total=len(BODY))
    jobs: list[Job] = []

    async def send_the_rest() -> None:
        answer = await gateway.chunk(
            "racing", BODY[half:], offset=half, size=half + 1, total=len(BODY)
        )
        jobs.append(await gateway.job_of(answer))

    async def cancel() -> None:
        assert (await gateway.client.delete("/api/v1/uploads/racing")).status == 204

    if last_chunk_is == "before":
        # The job is created after the gateway looked for it and before the bytes are deleted
        racing[0].before_delete = send_the_rest
        await cancel()
    else:
        # The bytes are deleted after the last was stored and before the job is created
        racing[0].after_write = cancel
        await send_the_rest()
    (job,) = jobs
    assert (await gateway.jobs.get(job.id)).state is JobState.REVOKED
    assert await gateway.stored("racing") is None


# Retrying


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
    assert overdue == [job.id]


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
        await gateway.blobs.delete(job.input_key)
    else:
        now = time.time()
        await gateway.jobs.expire(finished_before=now + 1, now=now, limit=9)
    response = await gateway.client.post(f"/api/v1/jobs/{job.id}/retry")
    problem = await problem_of(response, 409, "input-removed")
    assert "upload the file again" in problem["detail"]
    assert (await gateway.jobs.get(job.id)).state is JobState.FAILURE


# Problems


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/retry"), ("HEAD", "")]
)
async def test_an_unknown_job_is_a_404_problem(gateway: Gateway, method: str, path: str) -> None:
    for job_id in (str(UUID(int=1)), "nonsense", "..%2F", "%00"):
        response = await gateway.client.request(method, f"/api/v1/jobs/{job_id}{path}")
        assert response.status == 404
        if method != "HEAD":
            await problem_of(response, 404, "job-not-found")


async def test_an_unknown_url_or_method_is_a_problem_of_type_about_blank(
    gateway: Gateway,
) -> None:
    await problem_of(await gateway.client.get("/api/v1/nothing"), 404, "about:blank")
    response = await gateway.client.put(f"/api/v1/jobs/{uuid4()}")
    problem = await problem_of(response, 405, "about:blank")
    assert problem["title"] == "Method Not Allowed"
    assert set(response.headers["Allow"].split(",")) == {"DELETE", "GET", "HEAD"}


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (DatabaseUnavailable("the database does not answer"), 503, "unavailable"),
        (RuntimeError("a secret"), 500, "about:blank"),
    ],
)
async def test_a_service_fault_is_a_problem_without_internal_details(
    start_gateway: Start, error: Exception, status: int, name: str
) -> None:
    def in_front(jobs: Any) -> Any:
        async def broken(_job_id: UUID) -> Job:
            raise error

        jobs.get = broken
        return jobs

    gateway = await start_gateway(jobs=in_front)
    response = await gateway.client.get(f"/api/v1/jobs/{uuid4()}")
    problem = await problem_of(response, status, name)
    assert "a secret" not in problem["detail"]
    assert ("Retry-After" in response.headers) == (status == 503)


async def test_web_pages_may_cancel_jobs(gateway: Gateway) -> None:
    response = await gateway.client.options(
        f"/api/v1/jobs/{uuid4()}",
        headers={"Origin": "https://page.example", "Access-Control-Request-Method": "DELETE"},
    )
    assert response.status == 204
    assert "DELETE" in response.headers["Access-Control-Allow-Methods"].split(", ")


def test_every_problem_type_is_documented_with_its_status() -> None:
    document = (Path(__file__).parents[4] / "docs" / "api.md").read_text()
    documented = re.findall(
        r"^\| `((?:urn:csvmill:problem:|https://iana\.org/)\S+)` \| (\d+) \|",
        document,
        re.MULTILINE,
    )
    declared = {
        (kind.problem_type, str(kind.status))
        for kind in error_classes().values()
        if kind.problem_type != CsvmillError.problem_type
    }
    assert sorted(documented) == sorted(declared)
    assert len(dict(documented)) == len(declared)
