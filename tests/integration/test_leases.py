"""Workers that are killed, paused or late in the middle of a job: real processes and signals."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

import aiohttp
import psutil

from csvmill.client import AsyncClient
from shared.blobs.blob import result_key
from shared.database import connect
from shared.errors import BlobNotFound
from tests.chunks import send_chunk
from tests.gate import Gate
from tests.integration.plays import PLAYS, RESULT
from tests.services import line, until

if TYPE_CHECKING:
    from pathlib import Path

    from shared.jobs.store import SqlJobStore
    from tests.processes import ServiceProcess
    from tests.services import Services

WAIT = 30.0
LEASE = 2.0
SLACK = 5.0
"""Seconds until the wake-up is delivered again, on a busy machine."""


async def result(gateway: ServiceProcess, job_id: str) -> bytes:
    """Wait until the job succeeds; return its result."""
    async with AsyncClient(gateway.url) as client:
        await client.wait(job_id, timeout=WAIT)
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.get(f"{gateway.url}/api/download_file/{job_id}") as response,
    ):
        return await response.read()


async def outcomes(store: SqlJobStore, job_id: str) -> list[str | None]:
    return [attempt.outcome for attempt in await store.attempts(UUID(job_id))]


async def test_another_worker_runs_the_job_of_a_killed_one_when_its_lease_ends(
    services: Services, gateway: ServiceProcess, store: SqlJobStore, tmp_path: Path
) -> None:
    # Given a job whose engine is running, and an idle second worker
    gate = Gate(tmp_path, "killed", PLAYS)
    with closing(gate), services.processor(blob_dir=gate.blob_dir, lease=LEASE) as worker:
        job_id = (await send_chunk(gateway.url, "killed", PLAYS)).job_id
        await gate.reached()
        engines = psutil.Process(worker.pid).children(recursive=True)
        assert engines
        with services.processor(lease=LEASE) as other:
            await line(other, "consuming from")
            # When only the worker is killed
            killed_at = time.time()
            worker.kill()
            # Then the other worker claims and finishes the job
            assert await result(gateway, job_id) == RESULT
        first, second = await store.attempts(UUID(job_id))
        assert (first.outcome, second.outcome) == ("lost", "success")
        assert killed_at < second.started_at < killed_at + LEASE + SLACK
        assert second.worker == f"{socket.gethostname()}:{other.pid}"
        # And the engine of the killed worker has ended by itself
        assert not psutil.wait_procs(engines, timeout=WAIT)[1]


async def test_a_worker_paused_beyond_its_lease_stops_when_it_continues(
    services: Services, gateway: ServiceProcess, store: SqlJobStore, tmp_path: Path
) -> None:
    gate = Gate(tmp_path, "paused", PLAYS)
    with closing(gate), services.processor(blob_dir=gate.blob_dir) as late:
        job_id = (await send_chunk(gateway.url, "paused", PLAYS)).job_id
        await gate.reached()
        late.pause()
        with services.processor():
            assert await result(gateway, job_id) == RESULT
        before = await store.get(UUID(job_id))
        late.resume()
        await line(late, f"job={job_id} attempt=1 lost its lease")
        assert await store.get(UUID(job_id)) == before
        assert await outcomes(store, job_id) == ["lost", "success"]
        assert await result(gateway, job_id) == RESULT


async def test_a_result_after_the_end_of_the_lease_is_refused_and_removed(
    services: Services, gateway: ServiceProcess, store: SqlJobStore, tmp_path: Path
) -> None:
    # Given a worker that does not renew its lease before it has its result
    gate = Gate(tmp_path, "late", PLAYS)
    with closing(gate), services.processor(blob_dir=gate.blob_dir, lease=3600) as late:
        job_id = (await send_chunk(gateway.url, "late", PLAYS)).job_id
        await gate.reached()
        late.pause()
        # When its lease has expired, and another worker has finished the job
        database = await connect(services.database_url)
        await database.write("UPDATE jobs SET lease_until = $2 WHERE id = $1", job_id, time.time())
        await database.close()
        with services.processor():
            assert await result(gateway, job_id) == RESULT
        before = await store.get(UUID(job_id))
        # And the first worker continues and finishes
        late.resume()
        gate.open()
        # Then its result is refused
        await line(late, f"job={job_id} attempt=1 lost its lease")
        assert await store.get(UUID(job_id)) == before
        assert before.result
        assert before.result.key == result_key(before.id, 2)
        assert await outcomes(store, job_id) == ["lost", "success"]
        # And its output is removed
        async with services.blobs() as blobs:

            async def removed() -> bool:
                try:
                    await blobs.info(result_key(before.id, 1))
                except BlobNotFound:
                    return True
                return False

            await until(removed)
            assert (await blobs.info(result_key(before.id, 2))).complete
        assert await result(gateway, job_id) == RESULT
