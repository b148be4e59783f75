"""What must hold when the chaos is over, whatever it did. Nothing here does I/O."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import UUID

from gateway.uploads.upload import upload_id_of
from shared.blobs.blob import result_key
from tests.chaos.history import MALFORMED, is_malformed, of_history
from tests.chaos.story import TERMINAL, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.evidence import AttemptRow, Evidence, JobRow
    from tests.chaos.story import Story

LATE = 15.0
"""Seconds at most from a full disk to an answer that says so, held up on its way."""


def violations(evidence: Evidence) -> list[str]:
    """Every promise that was broken, one line each; empty if all were kept."""
    return [
        *_of_uploads(evidence),
        *_of_jobs(evidence),
        *_of_attempts(evidence),
        *_of_dead_letters(evidence),
        *_of_results(evidence),
        *_of_storage(evidence),
    ]


def _of_uploads(evidence: Evidence) -> Iterator[str]:
    jobs: dict[UUID, list[JobRow]] = defaultdict(list)
    for job in evidence.jobs:
        jobs[job.upload_id].append(job)
    for story in evidence.stories:
        name = f"upload {story.input.number} ({story.input.kind}, {story.plan}, {story.dialect})"
        made = jobs.pop(upload_id_of(story.dzuuid), [])
        yield from (f"{name}: {wrong}" for wrong in dict.fromkeys(story.wrong))
        yield from (f"{name} {wrong}" for wrong in _of_story(story, made))
        for at in story.full_at:
            if not any(begin <= at <= end + LATE for begin, end in evidence.disk_full):
                yield f"{name} was told at {at} that there is no room"
    for job in (job for others in jobs.values() for job in others):
        yield f"job {job.id} is of no upload of ours"


def _of_story(story: Story, made: list[JobRow]) -> Iterator[str]:
    told = {UUID(job_id) for job_id in story.job_ids}
    if not story.acknowledged:
        yield "was not acknowledged in time"
    elif not story.whole:
        if made or told:
            yield f"was never complete, and has jobs {made} {told}"
        if story.plan is Plan.CANCEL_UPLOAD and not story.cancelled:
            yield "could not be cancelled"
    elif story.plan is Plan.RACE and story.cancelled:
        # A gateway that is killed before it has looked whether the upload is still there leaves
        # a job that nobody was told of, and that finds no input.
        ends = ("REVOKED",) if told else ("REVOKED", "FAILURE")
        if len(made) > 1 or not told <= {job.id for job in made}:
            yield f"has jobs {made}; its client was told {told}"
        yield from (f"was cancelled, and is {job}" for job in made if job.state not in ends)
    elif len(made) != 1 or told != {made[0].id}:
        yield f"has jobs {[job.id for job in made]}; its client was told {told}"
    else:
        yield from (f"of job {made[0].id}: {wrong}" for wrong in _of_outcome(story, made[0]))


def _of_outcome(story: Story, job: JobRow) -> Iterator[str]:
    if story.state != job.state:
        yield f"its client saw {story.state}, the table says {job.state}"
    if (job.state == "REVOKED") != bool(story.cancelled):
        yield f"cancelled: {story.cancelled}, ended as {job.state}"
    if story.expired and job.expired_at is None:
        yield "its client was told that it has expired, the table has not"
    if story.cancelled:
        return
    by_chaos = story.state == "FAILURE" and not MALFORMED.search(story.message)
    if by_chaos and (story.resigned or story.expired):
        return  # its client left it at that, or was held up by outages until it had expired
    if story.input.result is not None:
        if story.state != "SUCCESS":
            yield f"ended as {story.state}: {story.message or job.reason}"
            return
        size = story.download.size if story.download else 0
        cut_short = story.expired and size < story.input.result.size
        if not cut_short and story.download != story.input.result:
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
        if job.state not in TERMINAL:
            yield f"job {job.id} stayed {job.state}"
        if "unexpected" in (job.reason or ""):
            yield f"job {job.id}: {job.reason}"
        if job.expired_at is not None and job.state != "REVOKED":
            kept_for = job.expired_at - (job.finished_at or 0.0)
            if kept_for < evidence.result_ttl:
                yield f"job {job.id} expired after {kept_for:.1f} s"


def _of_attempts(evidence: Evidence) -> Iterator[str]:
    attempts: dict[UUID, list[AttemptRow]] = defaultdict(list)
    for attempt in sorted(evidence.attempts, key=lambda attempt: attempt.number):
        attempts[attempt.job_id].append(attempt)
    stories = {upload_id_of(story.dzuuid): story for story in evidence.stories}
    for job in evidence.jobs:
        tried = attempts.pop(job.id, [])
        for wrong in of_history(job, tried, stories.get(job.upload_id)):
            yield f"job {job.id}: {wrong}"
    if attempts:
        yield f"attempts of jobs that do not exist: {list(attempts)}"


def _of_dead_letters(evidence: Evidence) -> Iterator[str]:
    """What failed for want of attempts is in the dead-letter queue, whatever was killed."""
    last = {(attempt.job_id, attempt.number): attempt for attempt in evidence.attempts}
    jobs = {job.id: job for job in evidence.jobs}
    for letter in set(evidence.dead_letters) - jobs.keys():
        yield f"a dead letter of no job: {letter}"
    for job in jobs.values():
        if job.dead_letter_due_at is not None:
            yield f"job {job.id} is {job.state}, and its dead letter is due still"
        tried = last.get((job.id, job.attempt))
        if job.state != "FAILURE" or tried is None or is_malformed(tried):
            continue
        if job.id not in evidence.dead_letters:
            yield f"job {job.id} has used up its attempts, and is not in the dead-letter queue"


def _of_results(evidence: Evidence) -> Iterator[str]:
    for job in evidence.jobs:
        if job.state != "SUCCESS":
            if job.result_key is not None:
                yield f"job {job.id} is {job.state} and points to {job.result_key}"
            continue
        if job.result_key != result_key(job.id, job.attempt):
            yield f"job {job.id}, attempt {job.attempt}, points to {job.result_key}"
        if job.expired_at is not None:
            continue
        blob = evidence.results.get(job.result_key or "")
        if blob is None or not blob.complete or blob.size != job.result_size:
            yield f"job {job.id} points to {job.result_key}, which is {blob}"


def _of_storage(evidence: Evidence) -> Iterator[str]:
    """One input and one result for each job whose time is not over; of all others, nothing."""
    yield from (f"{key} is needed, and gone" for key in sorted(evidence.needed - evidence.kept))
    yield from (f"{key} was left over" for key in sorted(evidence.kept - evidence.needed))
