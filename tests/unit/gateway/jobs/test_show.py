"""`GET /api/v1/jobs/ID`: what a job shows."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from shared.csv.dialect import Dialect
from shared.csv.problems import Problem
from shared.jobs.job import JobProgress
from shared.jobs.report import Report, Rows, Seconds
from tests.unit.gateway.jobs.states import claimed, uploaded

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway


def members_of(dialect: Dialect) -> dict[str, Any]:
    """Return a dialect as JSON, without what was assumed, which is among the warnings."""
    hidden = (
        "assumed_header", "assumed_quote", "assumed_encoding", "other_encoding", "unit_row"
    )  # fmt: skip
    members = {name: value for name, value in asdict(dialect).items() if name not in hidden}
    return {**members, "null": []}


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
        "expired_at": None,
        "result_deleted_at": None,
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
        "inputs": [
            {
                "upload_id": str(job.upload_id),
                "name": "Čaj.csv",
                "size": 1,
                "sha256": None,
                "url": None,
            }
        ],
        "cached_from": None,
        "notify": [],
        "spec_name": None,
        "stage": None,
        "output_to": None,
        "engine": "auto",
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
        (JobProgress(1000, 9, rate=100.0), (1000, 9, False, 99.9, None)),
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


async def test_a_job_shows_when_it_expired(gateway: Gateway) -> None:
    job = await gateway.finished_job(b"result", finished_at=1_767_323_045.678)
    await gateway.jobs.expire_ended(job.id, now=1_767_323_050.25)
    shown = await (await gateway.client.get(f"/api/v1/jobs/{job.id}")).json()
    assert shown["expired_at"] == "2026-01-02T03:04:10.250Z"


async def test_of_many_attempts_the_first_ten_and_the_last_ten_are_shown(
    gateway: Gateway,
) -> None:
    job = await gateway.pending_job()
    for number in range(1, 25):
        await gateway.jobs.claim(job.id, worker="w", lease_until=9.0, now=number)
        await gateway.jobs.release(job.id, number, "shut down", now=number)
    alone = await (await gateway.client.get(f"/api/v1/jobs/{job.id}")).json()
    (listed,) = (await (await gateway.client.get("/api/v1/jobs")).json())["jobs"]
    for shown in (alone, listed):
        assert shown["attempt"] == 24
        numbers = [attempt["number"] for attempt in shown["attempts"]]
        assert numbers == [*range(1, 11), *range(15, 25)]


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
        lines_passed_over=7,
        rejects_omitted=1,
        rows_padded=2,
        rows_truncated=1,
        engine="kernel",
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
        "dialect": {**members_of(dialect), "bom": False, "line_ends": ["lf"]},
        "engine": "kernel",
        "engine_version": "1.2.3",
        "plan": "exact",
        "rows_in": 11,
        "rows_aggregated": 5,
        "rows_filtered": 4,
        "rows_rejected": 2,
        "rows_of_several_lines": 4,
        "most_lines": 9,
        "lines_passed_over": 7,
        "rejects_omitted": 1,
        "rows_padded": 2,
        "rows_truncated": 1,
        "groups": 3,
        "bytes_in": 10,
        "bytes_decompressed": 30,
        "bytes_out": 6,
        "seconds": {"queue": 0.123, "aggregate": 2.0, "write": 1.0, "store": 0.5},
        "peak_memory": 1048576,
        "peak_scratch": 4096,
        "confinement": ["rlimits", "seccomp"],
        "attempts": 1,
        "warnings": [],
        "head_start": None,
        "inputs": [],
        "cluster": None,
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
        dialect=dialect, engine="kernel", plan="exact", bytes_in=10, peak_memory=1 << 30,
        peak_scratch=1 << 20, seconds=Seconds(aggregate=2.5), attempts=1, unfinished=True,
    )  # fmt: skip
    job = await claimed(gateway, await uploaded(gateway))
    await gateway.jobs.fail(job.id, 1, "no memory", final=final, now=time.time(), report=used)
    shown = await (await gateway.client.get(f"/api/v1/jobs/{job.id}")).json()
    report = shown["report"]
    assert (report["peak_memory"], report["peak_scratch"]) == (1 << 30, 1 << 20)
    assert (report["bytes_in"], report["seconds"]["aggregate"]) == (10, 2.5)
    assert report["dialect"] == (members_of(dialect) if dialect else None)
    assert [name for name, value in report.items() if value is None and name != "dialect"] == [
        "rows_in", "rows_aggregated", "rows_filtered", "rows_rejected",
        "rows_of_several_lines", "most_lines", "lines_passed_over",
        "rejects_omitted", "rows_padded",
        "rows_truncated", "groups",
        "bytes_decompressed", "bytes_out", "head_start", "cluster",
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
    common = {"found": "'x'", "expected": "an integer", "file": None}
    assert shown["problems"] == [
        {"line": 2, "offset": 20, "column": 3, "name": "Plays", **common},
        {"line": 7, "offset": 70, "column": None, "name": None, **common},
    ]
    assert (shown["problem_count"], shown["report"]["rows_rejected"]) == (41, 41)
