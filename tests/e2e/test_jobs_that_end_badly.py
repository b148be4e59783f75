"""Jobs that kill their processes, exceed the time limit, are malformed or cancelled."""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from csvmill.client import AsyncClient, JobUnsuccessful
from csvmill.demo.sample import write_song_plays
from shared.bus.topology import DEAD
from shared.jobs.wake_up import WakeUp
from tests import reaper, slow_file
from tests.contract.amqp import next_message, raw_channel
from tests.forked import run_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from tests.processes import ServiceProcess

    Start = Callable[..., ServiceProcess]

WAIT = 60.0
MAX_ATTEMPTS = 2
LEASE = 1.0
SLACK = 5.0
"""Seconds added to promised times, because the machine may be busy."""


class Services:
    """Storage, a gateway, and any number of processors."""

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
        """Start another processor."""
        return self._start("processor", env={**self._env, **settings})

    def kept(self, kind: str) -> list[str]:
        """Return the names of the blobs of a kind in storage."""
        folder = self.data / kind
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def jobs_command(url: str, *arguments: str, exit_code: int = 0) -> str:
    """Run a command about jobs; return its output and errors."""
    env = {**os.environ, "CSVMILL_SERVER": url}
    done = run_command(*arguments, env=env, cwd=Path.cwd(), timeout=WAIT)
    output = (done.stdout + done.stderr).decode()
    assert done.returncode == exit_code, output
    return output


@pytest.fixture
def services(start_process: Start, tmp_path: Path, database_url: str, broker_url: str) -> Services:
    return Services(start_process, tmp_path, database_url, broker_url)


@pytest.fixture
def plays(tmp_path: Path) -> tuple[Path, Mapping[tuple[str, str], Decimal]]:
    """A file of a million rows, whose job takes a while, and its totals."""
    plain = tmp_path / "plain.csv"
    expected = write_song_plays(plain, 50_000, songs=50, days=5)
    header, rows = plain.read_bytes().split(b"\n", maxsplit=1)
    path = tmp_path / "plays.csv"
    path.write_bytes(slow_file.bzip2(header + b"\n", rows, 20))
    return path, {key: total * 20 for key, total in expected.totals.items()}


def engine_of(processor: ServiceProcess) -> psutil.Process:
    """Wait until an engine runs; return its process."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        for process in reaper.tree(processor.pid):
            with suppress(psutil.NoSuchProcess):
                if process.pid != processor.pid and process.status() != psutil.STATUS_ZOMBIE:
                    return process
        time.sleep(0.002)
    raise AssertionError("no engine was started")


async def failure_of(client: AsyncClient, job_id: str) -> str:
    """Wait until a job has failed; return the reason."""
    with pytest.raises(JobUnsuccessful, match="FAILURE") as caught:
        await client.wait(job_id, timeout=WAIT)
    return str(caught.value)


async def dead_letter(broker_url: str) -> str:
    """Take the next message from the dead-letter queue; return its job id."""
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
    """Retry the job with the command, and check that it succeeds."""
    printed = await asyncio.to_thread(jobs_command, services.url, "retry", job_id)
    assert printed.split()[0] == job_id
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
        # Then the job fails, each attempt has a worker and a reason, and a dead letter is published
        assert "SIGKILL" in await failure_of(client, job_id)
        job = await client.job(job_id)
        worker = f"{socket.gethostname()}:{processor.pid}"
        assert [(a.number, a.outcome, a.worker) for a in job.attempts] == [
            (number, "failure", worker) for number in range(1, MAX_ATTEMPTS + 1)
        ]
        unexplained = [a.reason for a in job.attempts if "SIGKILL" not in (a.reason or "")]
        assert unexplained == []
        assert await dead_letter(services.broker_url) == job_id
        # And the worker still runs, so that a retry succeeds
        await retry_and_check(services, client, job_id, expected, tmp_path / "totals.csv")


async def test_a_job_that_kills_its_worker_each_time_fails_with_every_host_and_can_be_retried(
    services: Services, plays: tuple[Path, Mapping[tuple[str, str], Decimal]], tmp_path: Path
) -> None:
    path, expected = plays
    async with AsyncClient(services.url) as client:
        job_id = await client.upload(path)
        # When each processor that claims the job is killed
        workers = []
        for number in range(1, MAX_ATTEMPTS + 1):
            processor = services.processor()
            await asyncio.to_thread(
                processor.wait_for_line, f"attempt={number} started", timeout=WAIT
            )
            await asyncio.to_thread(processor.kill)
            workers.append(f"{socket.gethostname()}:{processor.pid}")
        # Then the next processor fails the job, because its attempts are used up
        services.processor()
        assert "lost" in await failure_of(client, job_id)
        job = await client.job(job_id)
        assert [(a.outcome, a.worker) for a in job.attempts] == [("lost", w) for w in workers]
        assert all("killed, or cut off" in (a.reason or "") for a in job.attempts)
        assert await dead_letter(services.broker_url) == job_id
        await retry_and_check(services, client, job_id, expected, tmp_path / "totals.csv")


async def test_a_job_that_exceeds_its_time_limit_fails_and_succeeds_with_a_longer_one(
    services: Services, plays: tuple[Path, Mapping[tuple[str, str], Decimal]], tmp_path: Path
) -> None:
    path, expected = plays
    limited = services.processor(CSVMILL_TIME_LIMIT="0.05")
    async with AsyncClient(services.url) as client:
        job_id = await client.upload(path)
        assert "0.05 s" in await failure_of(client, job_id)
        job = await client.job(job_id)
        assert [a.outcome for a in job.attempts] == ["failure"] * MAX_ATTEMPTS
        assert all("not done within 0.05 s" in (a.reason or "") for a in job.attempts)
        assert await dead_letter(services.broker_url) == job_id
        # No process and no output of the attempts is left
        assert reaper.tree(limited.pid) == [psutil.Process(limited.pid)]
        assert services.kept("results") == []
        assert await asyncio.to_thread(limited.terminate, WAIT) == 0
        services.processor()
        await retry_and_check(services, client, job_id, expected, tmp_path / "totals.csv")


async def test_a_malformed_file_fails_at_once_without_retry_or_dead_letter(
    services: Services, tmp_path: Path
) -> None:
    path = tmp_path / "plays.csv"
    path.write_text("Song,Date,Number of Plays\na,2026-01-01,many\n")
    processor = services.processor()
    async with AsyncClient(services.url) as client:
        job_id = await client.upload(path)
        assert "'many'" in await failure_of(client, job_id)
        (attempt,) = (await client.job(job_id)).attempts
        assert (attempt.outcome, "line 2" in (attempt.reason or "")) == ("failure", True)
    # Not even after the worker has settled all its deliveries
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
        printed = await asyncio.to_thread(jobs_command, services.url, "cancel", job_id)
        assert printed.split() == [job_id, "REVOKED"]
        # Then its input is removed at once, its engine soon, and the worker ends the attempt
        assert services.kept("uploads") == []
        await asyncio.to_thread(engine.wait, LEASE / 3 + SLACK)
        await asyncio.to_thread(
            processor.wait_for_line, f"job={job_id} attempt=1 (lost|had lost)", timeout=WAIT
        )
        job = await client.job(job_id)
        assert (job.state, [a.outcome for a in job.attempts]) == ("REVOKED", ["revoked"])
        # And the worker runs other jobs
        path.write_text("Song,Date,Number of Plays\na,2026-01-01,1\n")
        other = await client.upload(path)
        await client.wait(other, timeout=WAIT)
        assert [name.split(".")[0] for name in services.kept("results")] == [other]
    assert await number_of_dead_letters(services.broker_url) == 0


async def test_a_waiting_job_that_is_cancelled_never_starts(
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
        # When a processor starts and has run the next job in the queue
        other = await client.upload(path)
        services.processor()
        await client.wait(other, timeout=WAIT)
        job = await client.job(cancelled)
        assert (job.state, job.attempts) == ("REVOKED", ())


async def test_the_standalone_service_cancels_too_and_refuses_with_a_reason(
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
        # The engine reads the input in place; cancelling the job removes the input
        job_id = await client.upload(path)
        engine = await asyncio.to_thread(engine_of, service)
        await client.cancel(job_id)
        assert list((data / "blobs" / "uploads").iterdir()) == []
        await asyncio.to_thread(engine.wait, WAIT)
        # Then the next job runs, and a finished job can be neither cancelled nor retried
        path.write_text("Song,Date,Number of Plays\na,2026-01-01,1\n")
        other = await client.upload(path)
        await client.wait(other, timeout=WAIT)
        assert (await client.job(job_id)).state == "REVOKED"
    for arguments, reason in (
        (("cancel", other), "is already SUCCESS"),
        (("retry", job_id), "is REVOKED; only a job in FAILURE"),
        (("status", "no-id"), "no job 'no-id'"),
    ):
        printed = await asyncio.to_thread(jobs_command, service.url, *arguments, exit_code=1)
        assert printed.startswith("Error: ")
        assert reason in printed
        assert len(printed.splitlines()) == 1
