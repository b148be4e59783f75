"""Settings of the standalone service apply to its jobs."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from csvmill.standalone.app import standalone
from csvmill.standalone.settings import StandaloneSettings

if TYPE_CHECKING:
    from pathlib import Path


async def run_job(folder: Path, plays: bytes) -> dict[str, Any]:
    """Run a job on a service that is configured by the environment; return its JSON."""
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(plays), filename="plays.csv")
    async with (
        standalone(StandaloneSettings(data_dir=folder)) as app,
        TestClient(TestServer(app)) as client,
        asyncio.timeout(60),
    ):
        answer = await (await client.post("/api/upload_file", data=form)).json()
        # The event stream ends when the job ends.
        async with client.get(f"/api/v1/jobs/{answer['job_id']}/events") as events:
            await events.read()
        async with client.get(f"/api/v1/jobs/{answer['job_id']}") as response:
            job: dict[str, Any] = await response.json()
            return job


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("SCRATCH_LIMIT", "1048576", "out of scratch disk: the limit of a job is 1,048,576 bytes"),
        ("TIME_LIMIT", "0.01", "not done within 0.01 s"),
    ],
)
async def test_a_job_that_exceeds_a_limit_of_its_attempts_fails_with_every_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(f"CSVMILL_{setting}", value)
    monkeypatch.setenv("CSVMILL_RETRY_DELAY", "0")
    monkeypatch.setenv("CSVMILL_MAX_ATTEMPTS", "2")
    rows = "".join(f"song {n},2026-01-01,1\n" for n in range(100_000))
    job = await run_job(tmp_path, f"Song,Date,Number of Plays\n{rows}".encode())
    assert job["state"] == "FAILURE"
    assert reason in job["reason"]
    assert f"CSVMILL_{setting}" in job["reason"]
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["failure"] * 2
    report = job["report"]
    assert (report["rows_in"], report["bytes_in"]) == (None, job["input_size"])
    assert (report["attempts"], report["seconds"]["aggregate"] > 0) == (2, True)
    assert all(reason in attempt["reason"] for attempt in job["attempts"])
