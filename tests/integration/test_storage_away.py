"""An outage of storage while a job runs does not count against the job."""

from __future__ import annotations

import asyncio
import signal
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

import aiohttp

from csvmill.client import AsyncClient
from shared.jobs.job import JobState
from tests.chunks import get, send_chunk
from tests.gate import Gate
from tests.integration.plays import PLAYS
from tests.services import Services, line, listening

if TYPE_CHECKING:
    from pathlib import Path

    from shared.jobs.store import SqlJobStore


SOON = 30.0
"""Seconds: a little more than a gateway's timeout for responses of storage."""


async def cancel(url: str, job_id: str) -> tuple[int, str]:
    """Cancel the upload or job; return the status code and the state in the response."""
    async with (
        aiohttp.ClientSession(url) as session,
        session.delete(f"/api/v1/jobs/{job_id}") as response,
    ):
        return response.status, (await response.json())["state"]


async def test_a_job_with_one_attempt_survives_an_outage_of_storage(
    tmp_path: Path, services: Services, store: SqlJobStore
) -> None:
    gate = Gate(tmp_path, "storage-away", PLAYS)
    with (
        closing(gate),
        Services(tmp_path / "services", services.database_url, services.broker_url) as own,
    ):
        storage, gateway = own.storage(), own.gateway(max_attempts=1)
        worker = own.processor(blob_dir=gate.blob_dir)
        listening(storage, gateway, worker)
        job_id = (await send_chunk(gateway.url, "storage-away", PLAYS)).job_id
        # Given a job that finishes while storage is down
        await gate.reached()
        storage.kill()
        gate.open()
        # Then the worker releases it, and waits before it claims it or another job
        await line(worker, f"job={job_id} attempt=1 released: storage is unavailable")
        await line(worker, '"processor.attempt.backoff", "message": "storage is unavailable')
        refusal = await send_chunk(gateway.url, "meanwhile", PLAYS)
        assert refusal.status == 503
        assert int(refusal.headers["Retry-After"]) > 0
        assert (await get(f"{gateway.url}/readyz")).body["storage"] != "ok"
        # And when storage runs again, the job succeeds
        listening(own.storage())
        async with AsyncClient(gateway.url) as client:
            await client.wait(job_id, timeout=30)
        assert [(a.number, a.outcome) for a in await store.attempts(UUID(job_id))] == [
            (1, "released"),
            (2, "success"),
        ]


async def test_while_storage_hangs_requests_fail_soon_and_a_job_can_be_cancelled(
    tmp_path: Path, services: Services, store: SqlJobStore
) -> None:
    with Services(tmp_path / "services", services.database_url, services.broker_url) as own:
        storage, gateway = own.storage(), own.gateway()
        listening(storage, gateway)
        job_id = (await send_chunk(gateway.url, "to cancel", PLAYS)).job_id
        storage.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(SOON):
                refusal, cancelled = await asyncio.gather(
                    send_chunk(gateway.url, "meanwhile", PLAYS), cancel(gateway.url, job_id)
                )
            assert refusal.status == 503
            assert int(refusal.headers["Retry-After"]) > 0
            assert cancelled == (200, "REVOKED")
        finally:
            storage.send_signal(signal.SIGCONT)
        assert (await store.get(UUID(job_id))).state is JobState.REVOKED
