"""The invariants that must hold after a chaos run. No I/O."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import UUID

from gateway.uploads.upload import upload_id_of
from shared.blobs.blob import result_key, upload_key
from tests.chaos.history import MALFORMED, history_violations, is_malformed
from tests.chaos.scenario import TERMINAL, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.evidence import AttemptRow, Evidence, JobRow
    from tests.chaos.scenario import Scenario

GONE = ("upload-not-found", "input-removed")
"""Why no job is asked of an upload that has expired."""
MAX_ANSWER_DELAY = 15.0
"""Seconds, at most, from a full disk until the client receives the 507."""
_NO_INPUT = re.compile(r"\bblob\b")
"""Matches what storage says of one blob, not that a disk is too full for blobs."""


def violations(evidence: Evidence) -> list[str]:
    """Return a line for each violated invariant."""
    return [
        *_of_uploads(evidence),
        *_of_asked_jobs(evidence),
        *_of_jobs(evidence),
        *_of_attempts(evidence),
        *_of_dead_letters(evidence),
        *_of_results(evidence),
        *_of_storage(evidence),
    ]


def _of_uploads(evidence: Evidence) -> Iterator[str]:
    jobs: dict[UUID, list[JobRow]] = defaultdict(list)
    for job in evidence.jobs:
        if not job.was_asked:
            jobs[job.upload_id].append(job)
    for scenario in evidence.scenarios:
        file = scenario.input
        name = f"upload {file.number} ({file.kind}, {scenario.plan}, {scenario.protocol})"
        made = jobs.pop(upload_id_of(scenario.dzuuid), [])
        yield from (f"{name}: {error}" for error in dict.fromkeys(scenario.errors))
        yield from (f"{name} {error}" for error in _of_scenario(scenario, made))
        for at in scenario.full_at:
            if not any(begin <= at <= end + MAX_ANSWER_DELAY for begin, end in evidence.disk_full):
                yield f"{name} was answered 507 at {at} while the disk had room"
    left = {upload_id_of(name) for scenario in evidence.scenarios for name in scenario.left}
    for job in (job for upload, others in jobs.items() if upload not in left for job in others):
        yield f"job {job.id} has an unknown upload"


def _of_scenario(scenario: Scenario, made: list[JobRow]) -> Iterator[str]:
    answered = {UUID(job_id) for job_id in scenario.job_ids}
    if not scenario.acknowledged:
        yield "was not acknowledged in time"
    elif not scenario.sends_everything:
        if made or answered:
            yield f"was never complete but has jobs {made} {answered}"
        if scenario.plan is Plan.CANCEL_UPLOAD and not scenario.cancelled:
            yield "could not be cancelled"
    elif scenario.plan is Plan.RACE and scenario.cancelled:
        # A gateway that is killed before it checks whether the upload was removed leaves a job
        # without input, which no client knows.
        ends = ("REVOKED",) if answered else ("REVOKED", "FAILURE")
        if len(made) > 1 or not answered <= {job.id for job in made}:
            yield f"has jobs {made}; its client received {answered}"
        yield from (f"was cancelled but has {job}" for job in made if job.state not in ends)
    elif len(made) != 1 or answered != {made[0].id}:
        yield f"has jobs {[job.id for job in made]}; its client received {answered}"
    else:
        yield from (f"job {made[0].id}: {error}" for error in _of_outcome(scenario, made[0]))


def _of_outcome(scenario: Scenario, job: JobRow) -> Iterator[str]:
    if scenario.state != job.state:
        yield f"its client saw {scenario.state}, the table says {job.state}"
    if (job.state == "REVOKED") != bool(scenario.cancelled):
        yield f"cancelled: {scenario.cancelled}, ended as {job.state}"
    if scenario.expired and job.expired_at is None:
        yield "its client was answered that it expired, the table says that it did not"
    if scenario.cancelled:
        return
    by_chaos = scenario.state == "FAILURE" and not MALFORMED.search(scenario.message)
    if by_chaos and (scenario.gave_up or scenario.expired):
        return  # its client gave up, or outages delayed it until the job had expired
    if scenario.input.result is not None:
        if scenario.state != "SUCCESS":
            yield f"ended as {scenario.state}: {scenario.message or job.reason}"
            return
        size = scenario.download.size if scenario.download else 0
        cut_short = scenario.expired and size < scenario.input.result.size
        if not cut_short and scenario.download != scenario.input.result:
            yield f"its download is {scenario.download}, not the oracle's {scenario.input.result}"
    else:
        where = rf"\bline {scenario.input.malformed_line}\b"
        if scenario.state != "FAILURE" or not re.search(where, scenario.message):
            yield (
                f"malformed at line {scenario.input.malformed_line}, ended as {scenario.state}: "
                f"{scenario.message}"
            )


def _of_asked_jobs(evidence: Evidence) -> Iterator[str]:
    """A job that was acknowledged has its input until it ends, and computes the same result."""
    jobs = {job.id: job for job in evidence.jobs if job.was_asked}
    for scenario in evidence.scenarios:
        asked = scenario.asked
        if asked is None or asked.job_id is None:
            if asked is not None and asked.refused not in ("", *GONE):
                yield f"upload {scenario.input.number}: its ask was refused as {asked.refused}"
            continue
        job = jobs.pop(UUID(asked.job_id), None)
        name = f"job {asked.job_id}, asked of upload {scenario.input.number}"
        if job is None:
            yield f"{name}, does not exist"
            continue
        if asked.state != job.state:
            yield f"{name}: its client saw {asked.state}, the table says {job.state}"
        if job.input_keys != {upload_key(upload_id_of(scenario.dzuuid))}:
            yield f"{name}, reads {sorted(job.input_keys)}"
        if job.state == "FAILURE" and _NO_INPUT.search(job.reason or ""):
            yield f"{name}, lost its input: {job.reason}"
        elif job.state == "SUCCESS":
            result = scenario.input.result
            cut_short = asked.expired and result is not None
            if not cut_short and asked.download != result:
                yield f"{name}: its download is {asked.download}, not the oracle's {result}"
        elif job.state == "REVOKED":
            yield f"{name}, was cancelled after it was acknowledged"
    for job in jobs.values():
        # Its client was refused, or never got the answer.
        if job.state not in TERMINAL:
            yield f"job {job.id}, whose client knows nothing of it, stayed {job.state}"


def _of_jobs(evidence: Evidence) -> Iterator[str]:
    deleted = {upload_id_of(each.dzuuid) for each in evidence.scenarios if each.deleted}
    for job in evidence.jobs:
        if job.state not in TERMINAL:
            yield f"job {job.id} stayed {job.state}"
        if "unexpected" in (job.reason or ""):
            yield f"job {job.id}: {job.reason}"
        by_sweeper = job.state != "REVOKED" and job.upload_id not in deleted
        if job.expired_at is not None and by_sweeper:
            kept_for = job.expired_at - (job.finished_at or 0.0)
            if kept_for < evidence.result_ttl:
                yield f"job {job.id} expired after {kept_for:.1f} s"


def _of_attempts(evidence: Evidence) -> Iterator[str]:
    attempts: dict[UUID, list[AttemptRow]] = defaultdict(list)
    for attempt in sorted(evidence.attempts, key=lambda attempt: attempt.number):
        attempts[attempt.job_id].append(attempt)
    scenarios = {upload_id_of(scenario.dzuuid): scenario for scenario in evidence.scenarios}
    for job in evidence.jobs:
        tried = attempts.pop(job.id, [])
        for error in history_violations(job, tried, scenarios.get(job.upload_id)):
            yield f"job {job.id}: {error}"
    if attempts:
        yield f"attempts of jobs that do not exist: {list(attempts)}"


def _of_dead_letters(evidence: Evidence) -> Iterator[str]:
    """A job that used up its attempts is in the dead-letter queue."""
    last = {(attempt.job_id, attempt.number): attempt for attempt in evidence.attempts}
    jobs = {job.id: job for job in evidence.jobs}
    for letter in set(evidence.dead_letters) - jobs.keys():
        yield f"a dead letter of an unknown job: {letter}"
    for job in jobs.values():
        if job.dead_letter_due_at is not None:
            yield f"job {job.id} is {job.state}, its dead letter is still due"
        tried = last.get((job.id, job.attempt))
        if job.state != "FAILURE" or tried is None or is_malformed(tried):
            continue
        if job.id not in evidence.dead_letters:
            yield f"job {job.id} used up its attempts but is not in the dead-letter queue"


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
    """Storage holds one input and one result for each job that has not expired, and no more."""
    yield from (f"{key} is needed but missing" for key in sorted(evidence.needed - evidence.kept))
    yield from (f"{key} was not removed" for key in sorted(evidence.kept - evidence.needed))
