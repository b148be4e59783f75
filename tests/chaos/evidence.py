"""The state after a run: answers to clients, rows of the tables, blobs in storage."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from shared.blobs.blob import RESULTS, UPLOADS, parse_key
from shared.blobs.client import HttpBlobs
from shared.blobs.layout import key_at
from shared.bus.topology import DEAD
from shared.errors import BlobNotFound
from shared.jobs.wake_up import WakeUp
from tests.contract.amqp import raw_channel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from shared.blobs.blob import BlobInfo
    from tests.chaos.scenario import Scenario


@dataclass(frozen=True, slots=True)
class JobRow:
    """The checked columns of a job. Times are Unix seconds."""

    id: UUID
    upload_id: UUID
    input_key: str
    state: str
    attempt: int
    failures: int
    max_attempts: int
    finished_at: float | None
    expired_at: float | None
    result_key: str | None
    result_size: int | None
    reason: str | None
    dead_letter_due_at: float | None
    inputs: str | None = None
    """What a job reads that was asked for, as JSON."""

    @property
    def was_asked(self) -> bool:
        """Whether a client asked for it, so that it is the job of no upload."""
        return self.upload_id == self.id

    @property
    def input_keys(self) -> frozenset[str]:
        """The keys of what it reads."""
        if self.inputs is None:
            return frozenset({self.input_key})
        return frozenset(each["key"] for each in json.loads(self.inputs))


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """The row of an attempt. Times are Unix seconds."""

    job_id: UUID
    number: int
    worker: str
    started_at: float
    ended_at: float | None
    outcome: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the invariants are checked against."""

    scenarios: Sequence[Scenario]
    jobs: Sequence[JobRow]
    attempts: Sequence[AttemptRow]
    results: Mapping[str, BlobInfo | None]
    """The result blob of each job that has not expired; None if it is missing."""
    kept: frozenset[str] = frozenset()
    """The keys of all blobs in storage."""
    result_ttl: float = 0.0
    """Seconds, at least, for which finished jobs are kept."""
    disk_full: Sequence[tuple[float, float]] = field(default=())
    """The intervals in which the disk of storage was full, in Unix seconds."""
    dead_letters: Sequence[UUID] = ()
    """The job of each message in the dead-letter queue."""

    @property
    def needed(self) -> frozenset[str]:
        """The keys of the blobs that storage must hold."""
        current = [job for job in self.jobs if job.expired_at is None and job.state != "REVOKED"]
        inputs = {key for job in current for key in job.input_keys}
        return frozenset(inputs | {job.result_key for job in current if job.result_key})


async def gather_evidence(
    database_url: str,
    broker_url: str,
    storage_urls: Sequence[str],
    token: str,
    data: Path | None,
    scenarios: Sequence[Scenario],
    *,
    timeout: float,
    result_ttl: float,
    disk_full: Sequence[tuple[float, float]],
) -> Evidence:
    """Collect the state once nothing is left to sweep or dead-letter, or after `timeout` s.

    `data` is the folder of the only storage server; with None, the servers list their blobs.
    """
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        # Read storage before the tables: what the tables need then existed when storage was read.
        if data is not None:
            kept = await asyncio.to_thread(_keys, data)
        else:
            kept = await _listed(storage_urls, token)
        jobs, attempts = await _rows(database_url)
        keys = [job.result_key for job in jobs if job.result_key and job.expired_at is None]
        evidence = Evidence(scenarios, jobs, attempts, {}, kept, result_ttl, disk_full)
        due = any(job.dead_letter_due_at is not None for job in jobs)
        done = kept <= evidence.needed and not due
        if done or asyncio.get_running_loop().time() > deadline:
            return replace(
                evidence,
                results=await _blobs(storage_urls[0], token, keys),
                dead_letters=await _dead_letters(broker_url),
            )
        await asyncio.sleep(0.3)


def _keys(data: Path) -> frozenset[str]:
    found = set()
    for kind in (RESULTS, UPLOADS):
        for folder in (data / kind).glob("*"):
            found.add(key_at(kind, folder.name) or f"{kind}: {folder.name}")
    return frozenset(found)


async def _listed(storage_urls: Sequence[str], token: str) -> frozenset[str]:
    found: set[str] = set()
    for url in storage_urls:
        async with HttpBlobs(url, token) as blobs:
            for kind in (RESULTS, UPLOADS):
                async with blobs.walk(kind) as walked:
                    found |= {activity.key async for activity in walked}
    return frozenset(found)


async def _rows(database_url: str) -> tuple[list[JobRow], list[AttemptRow]]:
    connection = await asyncpg.connect(database_url, timeout=20, command_timeout=60)
    try:
        jobs = await connection.fetch(f"SELECT {', '.join(JobRow.__slots__)} FROM jobs")  # noqa: S608
        attempts = await connection.fetch(
            f"SELECT {', '.join(AttemptRow.__slots__)} FROM attempts"  # noqa: S608
        )
    finally:
        await connection.close()
    return (
        [
            JobRow(**{**row, "id": UUID(row["id"]), "upload_id": UUID(row["upload_id"])})
            for row in jobs
        ],
        [AttemptRow(**{**row, "job_id": UUID(row["job_id"])}) for row in attempts],
    )


async def _dead_letters(broker_url: str) -> list[UUID]:
    async with raw_channel(broker_url) as channel, asyncio.timeout(60):
        queue = await channel.get_queue(DEAD)
        letters = []
        while message := await queue.get(no_ack=True, fail=False):
            letters.append(WakeUp.decode(message.body).job_id)
        return letters


async def _blobs(
    storage_url: str, token: str, keys: Sequence[str]
) -> Mapping[str, BlobInfo | None]:
    found: dict[str, BlobInfo | None] = {}
    async with HttpBlobs(storage_url, token) as blobs:
        for key in keys:
            try:
                found[key] = await blobs.info(parse_key(key))
            except BlobNotFound:
                found[key] = None
    return found
