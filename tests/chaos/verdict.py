"""What must hold when the chaos is over, whatever it did. Nothing here does I/O."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID

from gateway.uploads import upload_id_of
from shared.blobs import result_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.blobs import BlobInfo
    from tests.chaos.client import Story


ON_THE_WAY = 10.0
"""Seconds at most between a worker's look at its clock and the statement that carries the time.

That attempts do not overlap is an index of the table; their times show no more than the order.
"""


@dataclass(frozen=True, slots=True)
class JobRow:
    """What the table says of a job, as far as it is judged."""

    id: UUID
    upload_id: UUID
    state: str
    attempt: int
    failures: int
    result_key: str | None
    result_size: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """What the table says of an attempt. Times are Unix seconds."""

    job_id: UUID
    number: int
    worker: str
    started_at: float
    ended_at: float | None
    outcome: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is left of a run: what clients were told, what the tables say, what storage holds."""

    stories: Sequence[Story]
    jobs: Sequence[JobRow]
    attempts: Sequence[AttemptRow]
    results: Mapping[str, BlobInfo | None]
    """The blob behind each job's pointer; None where there is none."""


def violations(evidence: Evidence) -> list[str]:
    """Every promise that was broken, one line each; empty if all were kept."""
    return [
        *_of_uploads(evidence),
        *_of_jobs(evidence),
        *_of_attempts(evidence),
        *_of_results(evidence),
    ]


def _of_uploads(evidence: Evidence) -> Iterator[str]:
    jobs: dict[UUID, list[JobRow]] = defaultdict(list)
    for job in evidence.jobs:
        jobs[job.upload_id].append(job)
    for story in evidence.stories:
        name = f"upload {story.input.number} ({story.input.kind})"
        for wrong in dict.fromkeys(story.wrong):
            yield f"{name}: {wrong}"
        made = jobs.pop(upload_id_of(story.dzuuid), [])
        told = {UUID(job_id) for job_id in story.job_ids}
        if story.abandoned:
            if made or told:
                yield f"{name} was never complete, and has jobs {made} {told}"
            continue
        if not story.acknowledged:
            yield f"{name} was not acknowledged in time"
            continue
        if len(made) != 1 or told != {made[0].id}:
            yield f"{name} has jobs {[job.id for job in made]}; its client was told {told}"
            continue
        yield from (f"{name}, job {made[0].id}: {wrong}" for wrong in _of_outcome(story, made[0]))
    for job in (job for others in jobs.values() for job in others):
        yield f"job {job.id} is of no upload of ours"


def _of_outcome(story: Story, job: JobRow) -> Iterator[str]:
    if story.state != job.state:
        yield f"its client saw {story.state}, the table says {job.state}"
    if story.input.result is not None:
        if story.state != "SUCCESS":
            yield f"ended as {story.state}: {story.message or job.reason}"
        elif story.download != story.input.result:
            yield f"its download is {story.download}, and not the oracle's {story.input.result}"
    else:
        where = rf"\bline {story.input.malformed_line}\b"
        if story.state != "FAILURE" or not re.search(where, story.message):
            yield (
                f"malformed at line {story.input.malformed_line}, ended as {story.state}: "
                f"{story.message}"
            )


def _of_jobs(evidence: Evidence) -> Iterator[str]:
    for job in evidence.jobs:
        if job.state not in ("SUCCESS", "FAILURE"):
            yield f"job {job.id} stayed {job.state}"
        if "unexpected" in (job.reason or ""):
            yield f"job {job.id}: {job.reason}"


def _of_attempts(evidence: Evidence) -> Iterator[str]:
    attempts: dict[UUID, list[AttemptRow]] = defaultdict(list)
    for attempt in sorted(evidence.attempts, key=lambda attempt: attempt.number):
        attempts[attempt.job_id].append(attempt)
    for job in evidence.jobs:
        tried = attempts.pop(job.id, [])
        yield from (f"job {job.id}: {wrong}" for wrong in _of_history(job, tried))
    if attempts:
        yield f"attempts of jobs that do not exist: {list(attempts)}"


def _of_history(job: JobRow, tried: list[AttemptRow]) -> Iterator[str]:
    if [attempt.number for attempt in tried] != list(range(1, job.attempt + 1)):
        yield f"attempt {job.attempt}, but rows {[attempt.number for attempt in tried]}"
        return
    for attempt in tried:
        if attempt.ended_at is None:
            yield f"attempt {attempt.number} was left open"
        if "unexpected" in (attempt.reason or ""):
            yield f"attempt {attempt.number}: {attempt.reason}"
    for before, after in pairwise(tried):
        if before.ended_at is not None and after.started_at < before.ended_at - ON_THE_WAY:
            yield f"attempt {after.number} began before attempt {before.number} ended"
        if before.outcome not in ("lost", "released", "failure"):
            yield f"attempt {before.number} was {before.outcome}, and another followed"
    last = tried[-1].outcome if tried else None
    if last != {"SUCCESS": "success", "FAILURE": "failure"}.get(job.state):
        yield f"{job.state}, but its last attempt was {last}"
    failures = sum(attempt.outcome in ("lost", "failure") for attempt in tried)
    if job.failures != failures:
        yield f"counts {job.failures} failures, and has {failures}"


def _of_results(evidence: Evidence) -> Iterator[str]:
    for job in evidence.jobs:
        if job.state != "SUCCESS":
            if job.result_key is not None:
                yield f"job {job.id} is {job.state} and points to {job.result_key}"
            continue
        if job.result_key != result_key(job.id, job.attempt):
            yield f"job {job.id}, attempt {job.attempt}, points to {job.result_key}"
        blob = evidence.results.get(job.result_key or "")
        if blob is None or not blob.complete or blob.size != job.result_size:
            yield f"job {job.id} points to {job.result_key}, which is {blob}"
