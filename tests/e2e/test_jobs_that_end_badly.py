"""Jobs that kill what runs them, take too long, are malformed, or are cancelled: real processes."""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING

import psutil
import pytest

from csvmill.client import AsyncClient, JobUnsuccessful
from csvmill.demo.sample import write_song_plays
from shared.bus.topology import DEAD
from shared.jobs.wake_up import WakeUp
from tests import reaper
from tests.contract.amqp import next_message, raw_channel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.processes import ServiceProcess

    Start = Callable[..., ServiceProcess]

WAIT = 60.0
MAX_ATTEMPTS = 2
LEASE = 1.0
SLACK = 5.0
"""Seconds on top of what is promised, as the machine may be busy with others."""


class Services:
    """Storage and a gateway, and processors that come and go."""

    def __init__(self, start: Start, folder: Path, database_url: str, broker_url: str) -> None:
        self._start = start
        self.data = folder / "data"
        self.broker_url = broker_url
        self._env = {
            "CSVMILL_DATABASE_URL": database_url,
            "CSVMILL_BROKER_URL": broker_url,
            "CSVMILL_STORAGE_TOKEN": "a secret of the tests",
            "CSVMILL_STORAGE_PORT": "0",
            "CSVMILL_PORT": "0",
            "CSVMILL_PROCESSOR_PORT": "0",
            "CSVMILL_DATA_DIR": str(self.data),
            "CSVMILL_SCRATCH_DIR": str(folder / "scratch"),
            "CSVMILL_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
            "CSVMILL_LEASE": str(LEASE),
            "CSVMILL_RETRY_DELAY": "0",
            "CSVMILL_RELAY_INTERVAL": "0.2",
        }
        self._env["CSVMILL_STORAGE_URL"] = start("storage", env=self._env).url
        self.url = start("gateway", env=self._env).url

    def processor(self, **settings: str) -> ServiceProcess:
        """A further processor, which takes jobs from now on."""
        return self._start("processor", env={**self._env, **settings})

    def kept(self, kind: str) -> list[str]:
        """The names of the blobs of a kind that storage keeps."""
        folder = self.data / kind
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def jobs_command(url: str, *arguments: str, exit_code: int = 0) -> str:
    """What a command about jobs prints, errors included."""
    done = subprocess.run(
        [sys.executable, "-m", "csvmill", *arguments],
        env={**os.environ, "CSVMILL_SERVER": url},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=WAIT,
    )  # fmt: skip
    assert done.returncode == exit_code, done.stdout
    return done.stdout


@pytest.fixture
def services(start_process: Start, tmp_path: Path, database_url: str, broker_url: str) -> Services:
    return Services(start_process, tmp_path, database_url, broker_url)


@pytest.fixture
def plays(tmp_path: Path) -> tuple[Path, Mapping[tuple[str, str], Decimal]]:
    """A file that keeps an engine busy for a while, and its totals.

    Its last number has more than 64 bits: that is for the exact plan, which reads all in Python.
    """
    path = tmp_path / "plays.csv"
    expected = write_song_plays(path, 1_000_000, songs=50, days=5, repeat=20)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"x,2026-01-01,{2**70}\n")
    return path, {**expected.totals, ("x", "2026-01-01"): Decimal(2**70)}


def engine_of(processor: ServiceProcess) -> psutil.Process:
    """The engine's process, as soon as there is one."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        for process in reaper.tree(processor.pid):
            with suppress(psutil.NoSuchProcess):
                if process.pid != processor.pid and process.status() != psutil.STATUS_ZOMBIE:
                    return process
        time.sleep(0.002)
    raise AssertionError("no engine was started")


async def ended(client: AsyncClient, job_id: str) -> str:
    """The reason why a job failed, once it has."""
    with pytest.raises(JobUnsuccessful, match="FAILURE") as caught:
        await client.wait(job_id, timeout=WAIT)
    return str(caught.value)


async def dead_letter(broker_url: str) -> str:
    """The job that the next message in the dead-letter queue is about."""
    async with raw_channel(broker_url) as channel:
        message = await next_message(channel, DEAD)
        return str(WakeUp.decode(message.body).job_id)


async def number_of_dead_letters(broker_url: str) -> int:
    async with raw_channel(broker_url) as channel:
        count = (await channel.declare_queue(DEAD, passive=True)).declaration_result.message_count
        assert count is not None
        return count


def totals_in(path: Path) -> dict[tuple[str, str], int]:
    with path.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    return {(song, date): int(total) for song, date, total in rows}


async def retry_and_check(
    services: Services,
    client: AsyncClient,
    job_id: str,
    expected: Mapping[tuple[str, str], Decimal],
    target: Path,
) -> None:
    """An operator puts the job back, and nothing is in its way any more."""
    said = await asyncio.to_thread(jobs_command, services.url, "retry", job_id)
    assert said.split()[0] == job_id
    await client.wait(job_id, timeout=WAIT)
    await client.download(job_id, target)
    assert totals_in(target) == expected
    after = await client.job(job_id)
    assert [a.outcome for a in after.attempts[MAX_ATTEMPTS:]] == ["success"]
    shown = await asyncio.to_thread(jobs_command, services.url, "status", job_id)
    for attempt in after.attempts:
        assert f"{attempt.outcome} on {attempt.worker}" in shown


async def test_a_job_whose_engine_is_killed_each_time_fails_with_every_reason_and_can_be_retried(
    services: Services, plays: tuple[Path, Mapping[tuple[str, str], Decimal]], tmp_path: Path
) -> None:
    path, expected = plays
    processor = services.processor()
    async with AsyncClient(services.url) as client:
        job_id = await client.upload(path)
        # When the engine's process is killed in each attempt
        for number in range(1, MAX_ATTEMPTS + 1):
            await asyncio.to_thread(
                processor.wait_for_line, f"attempt={number} started", timeout=WAIT
            )
            (await asyncio.to_thread(engine_of, processor)).send_signal(signal.SIGKILL)
            await asyncio.to_thread(
                processor.wait_for_line, f"attempt={number} failed", timeout=WAIT
            )
        # Then the job has failed, each attempt says where and why, and the operators have a message
        assert "SIGKILL" in await ended(client, job_id)
        job = await client.job(job_id)
        worker = f"{socket.gethostname()}:{processor.pid}"
        assert [(a.number, a.outcome, a.worker) for a in job.attempts] == [
            (number, "failure", worker) for number in range(1, MAX_ATTEMPTS + 1)
        ]
        unexplained = [a.reason for a in job.attempts if "SIGKILL" not in (a.reason or "")]
        assert unexplained == []
        assert await dead_letter(services.broker_url) == job_id
        # And the worker itself has survived, so that a retry succeeds
        await retry_and_check(services, client, job_id, expected, tmp_path / "totals.csv")


async def test_a_job_that_kills_its_worker_each_time_fails_with_every_host_and_can_be_retried(
    services: Services, plays: tuple[Path, Mapping[tuple[str, str], Decimal]], tmp_path: Path
) -> None:
    path, expected = plays
    async with AsyncClient(services.url) as client:
        job_id = await client.upload(path)
        # When each processor that takes the job is killed
        workers = []
        for number in range(1, MAX_ATTEMPTS + 1):
            processor = services.processor()
            await asyncio.to_thread(
                processor.wait_for_line, f"attempt={number} started", timeout=WAIT
            )
            await asyncio.to_thread(processor.kill)
            workers.append(f"{socket.gethostname()}:{processor.pid}")
        # Then the next one finds that the attempts are used up
        services.processor()
        assert "lost" in await ended(client, job_id)
        job = await client.job(job_id)
        assert [(a.outcome, a.worker) for a in job.attempts] == [("lost", w) for w in workers]
        assert all("killed, or cut off" in (a.reason or "") for a in job.attempts)
        assert await dead_letter(services.broker_url) == job_id
        await retry_and_check(services, client, job_id, expected, tmp_path / "totals.csv")


async def test_a_job_that_exceeds_its_time_limit_fails_and_succeeds_when_given_more(
    services: Services, plays: tuple[Path, Mapping[tuple[str, str], Decimal]], tmp_path: Path
) -> None:
    path, expected = plays
    hasty = services.processor(CSVMILL_TIME_LIMIT="0.05")
    async with AsyncClient(services.url) as client:
        job_id = await client.upload(path)
        assert "0.05 s" in await ended(client, job_id)
        job = await client.job(job_id)
        assert [a.outcome for a in job.attempts] == ["failure"] * MAX_ATTEMPTS
        assert all("not done within 0.05 s" in (a.reason or "") for a in job.attempts)
        assert await dead_letter(services.broker_url) == job_id
        # Nothing of the attempts runs on, nor is kept
        assert reaper.tree(hasty.pid) == [psutil.Process(hasty.pid)]
        assert services.kept("results") == []
        assert await asyncio.to_thread(hasty.terminate, WAIT) == 0
        services.processor()
        await retry_and_check(services, client, job_id, expected, tmp_path / "totals.csv")


async def test_a_malformed_file_is_final_at_once_and_no_dead_letter(
    services: Services, tmp_path: Path
) -> None:
    path = tmp_path / "plays.csv"
    path.write_text("Song,Date,Number of Plays\na,2026-01-01,many\n")
    processor = services.processor()
    async with AsyncClient(services.url) as client:
        job_id = await client.upload(path)
        assert "'many'" in await ended(client, job_id)
        (attempt,) = (await client.job(job_id)).attempts
        assert (attempt.outcome, "line 2" in (attempt.reason or "")) == ("failure", True)
    # Not even once everything that the worker had to settle is settled
    assert await asyncio.to_thread(processor.terminate, WAIT) == 0
    assert await number_of_dead_letters(services.broker_url) == 0


async def test_cancelling_a_running_job_kills_its_engine_and_removes_its_bytes(
    services: Services, plays: tuple[Path, Mapping[tuple[str, str], Decimal]], tmp_path: Path
) -> None:
    path, _ = plays
    processor = services.processor()
    async with AsyncClient(services.url) as client:
        job_id = await client.upload(path)
        engine = await asyncio.to_thread(engine_of, processor)
        assert len(services.kept("uploads")) == 1
        # When the job is cancelled
        said = await asyncio.to_thread(jobs_command, services.url, "cancel", job_id)
        assert said.split() == [job_id, "REVOKED"]
        # Then its input is gone, its engine soon, and the worker has put everything away
        assert services.kept("uploads") == []
        await asyncio.to_thread(engine.wait, LEASE / 3 + SLACK)
        await asyncio.to_thread(
            processor.wait_for_line, f"job={job_id} attempt=1 (lost|had lost)", timeout=WAIT
        )
        job = await client.job(job_id)
        assert (job.state, [a.outcome for a in job.attempts]) == ("REVOKED", ["revoked"])
        # And is free for other jobs
        path.write_text("Song,Date,Number of Plays\na,2026-01-01,1\n")
        other = await client.upload(path)
        await client.wait(other, timeout=WAIT)
        assert [name.split(".")[0] for name in services.kept("results")] == [other]
    assert await number_of_dead_letters(services.broker_url) == 0


async def test_a_waiting_job_that_is_cancelled_never_begins(
    services: Services, tmp_path: Path
) -> None:
    path = tmp_path / "plays.csv"
    path.write_text("Song,Date,Number of Plays\na,2026-01-01,1\n")
    async with AsyncClient(services.url) as client:
        cancelled = await client.upload(path)
        job = await client.cancel(cancelled)
        assert job is not None
        assert job.state == "REVOKED"
        assert services.kept("uploads") == []
        # When a processor comes and gets to the job behind it in the queue
        other = await client.upload(path)
        services.processor()
        await client.wait(other, timeout=WAIT)
        job = await client.job(cancelled)
        assert (job.state, job.attempts) == ("REVOKED", ())


async def test_the_standalone_service_cancels_alike_and_refuses_with_a_reason(
    start_process: Start,
    plays: tuple[Path, Mapping[tuple[str, str], Decimal]],
    tmp_path: Path,
) -> None:
    path, _ = plays
    data = tmp_path / "data"
    service = start_process(
        "csvmill", "serve", "--port", "0", "--data-dir", str(data), env={"CSVMILL_LEASE": "1"}
    )
    async with AsyncClient(service.url) as client:
        # Its engine reads the input in place, and loses it when the job is cancelled
        job_id = await client.upload(path)
        engine = await asyncio.to_thread(engine_of, service)
        await client.cancel(job_id)
        assert list((data / "blobs" / "uploads").iterdir()) == []
        await asyncio.to_thread(engine.wait, WAIT)
        # Then the next job is run, and one that is finished can be neither cancelled nor retried
        path.write_text("Song,Date,Number of Plays\na,2026-01-01,1\n")
        other = await client.upload(path)
        await client.wait(other, timeout=WAIT)
        assert (await client.job(job_id)).state == "REVOKED"
    for arguments, reason in (
        (("cancel", other), "SUCCESS already"),
        (("retry", job_id), "REVOKED, not FAILURE"),
        (("status", "no-id"), "no job 'no-id'"),
    ):
        said = await asyncio.to_thread(jobs_command, service.url, *arguments, exit_code=1)
        assert said.startswith("Error: ")
        assert reason in said
        assert len(said.splitlines()) == 1
