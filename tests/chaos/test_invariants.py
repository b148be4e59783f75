"""Each invariant is violated once, and the violation is reported."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from gateway.uploads.upload import upload_id_of
from shared.blobs.blob import BlobInfo, result_key, upload_key
from shared.blobs.byte_ranges import RangeSet
from tests.chaos.evidence import AttemptRow, Evidence, JobRow
from tests.chaos.inputs import Content, Input
from tests.chaos.invariants import MAX_ANSWER_DELAY, violations
from tests.chaos.scenario import Plan, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD, BAD, ENDED, UNLUCKY = (UUID(int=number) for number in range(1, 5))
SIZE = 4
TTL = 40.0
FULL = (100.0, 103.0)


def kept() -> Evidence:
    """Return a run without violations.

    One result, one malformed file that was retried, one incomplete upload, one cancelled job, one
    cancelled upload, one upload cancelled during its last chunk, and one job that used up its
    attempts and was not retried.
    """
    key = result_key(GOOD, 2)
    content = Content.of(b"sum\n")
    return Evidence(
        scenarios=[
            Scenario(
                Input(0, "plain", b"", content), "good", job_ids={str(GOOD)},
                acknowledged=True, state="SUCCESS", download=content, full_at=[101.0, 104.0],
            ),
            Scenario(
                Input(1, "not a number", b"", None, 7), "bad", job_ids={str(BAD)},
                acknowledged=True, state="FAILURE", message="line 7, column 3: found 'many'",
                retries=1, retries_requested=2,
            ),
            Scenario(Input(2, "plain", b"", content), "left", Plan.LEAVE, acknowledged=True),
            Scenario(
                Input(3, "plain", b"", content), "ended", Plan.CANCEL_JOB, job_ids={str(ENDED)},
                acknowledged=True, cancelled=True, state="REVOKED",
            ),
            Scenario(
                Input(4, "plain", b"", content), "removed", Plan.CANCEL_UPLOAD,
                acknowledged=True, cancelled=True,
            ),
            Scenario(
                Input(5, "plain", b"", content), "raced", Plan.RACE,
                acknowledged=True, cancelled=True,
            ),
            Scenario(
                Input(6, "plain", b"", content), "unlucky", job_ids={str(UNLUCKY)},
                acknowledged=True, gave_up=True, state="FAILURE", message="lost",
            ),
        ],
        jobs=[
            job_row(GOOD, "good", "SUCCESS", 2, 1, result_key=key, result_size=SIZE),
            job_row(BAD, "bad", "FAILURE", 2, 1, reason="line 7"),
            job_row(ENDED, "ended", "REVOKED", 1, 0, reason="cancelled", expired_at=6.0),
            job_row(UNLUCKY, "unlucky", "FAILURE", 1, 1, reason="lost", max_attempts=1),
        ],
        attempts=[
            AttemptRow(GOOD, 2, "b", 5.0, 6.0, "success", None),
            AttemptRow(GOOD, 1, "a", 1.0, 4.0, "lost", "lost"),
            AttemptRow(BAD, 1, "a", 1.0, 2.0, "failure", "line 7"),
            AttemptRow(BAD, 2, "a", 3.0, 4.0, "failure", "line 7"),
            AttemptRow(ENDED, 1, "a", 3.0, 4.0, "revoked", "cancelled"),
            AttemptRow(UNLUCKY, 1, "a", 3.0, 6.0, "lost", "lost"),
        ],
        results={key: BlobInfo(key, SIZE, RangeSet().add(0, SIZE))},
        kept=frozenset({key, *map(input_of, ("good", "bad", "unlucky"))}),
        result_ttl=TTL,
        disk_full=[FULL],
        dead_letters=[UNLUCKY],
    )  # fmt: skip


def input_of(dzuuid: str) -> str:
    return upload_key(upload_id_of(dzuuid))


def job_row(
    job_id: UUID, dzuuid: str, state: str, attempt: int, failures: int, **more: Any
) -> JobRow:
    fields = {
        "max_attempts": 3, "finished_at": 6.0, "expired_at": None,
        "result_key": None, "result_size": None, "reason": None, "dead_letter_due_at": None,
    }  # fmt: skip
    return JobRow(
        id=job_id,
        upload_id=upload_id_of(dzuuid),
        input_key=input_of(dzuuid),
        state=state,
        attempt=attempt,
        failures=failures,
        **{**fields, **more},
    )


def scenario(evidence: Evidence, index: int, **changed: object) -> Evidence:
    scenarios = list(evidence.scenarios)
    scenarios[index] = replace(scenarios[index], **changed)  # type: ignore[arg-type]  # by field name
    return replace(evidence, scenarios=scenarios)


def job(evidence: Evidence, index: int, **changed: object) -> Evidence:
    jobs = list(evidence.jobs)
    jobs[index] = replace(jobs[index], **changed)  # type: ignore[arg-type]  # by field name
    return replace(evidence, jobs=jobs)


def attempt(evidence: Evidence, index: int, **changed: object) -> Evidence:
    attempts = list(evidence.attempts)
    attempts[index] = replace(attempts[index], **changed)  # type: ignore[arg-type]  # by field name
    return replace(evidence, attempts=attempts)


def second_job(evidence: Evidence) -> Evidence:
    twin = replace(evidence.jobs[1], id=UUID(int=9))
    tried = [replace(attempt, job_id=twin.id) for attempt in evidence.attempts[2:4]]
    return replace(evidence, jobs=[*evidence.jobs, twin], attempts=[*evidence.attempts, *tried])


def job_of_the_raced(evidence: Evidence, state: str) -> Evidence:
    late = job_row(UUID(int=8), "raced", state, 0, 0)
    return replace(evidence, jobs=[*evidence.jobs, late])


def expired(evidence: Evidence, after: float) -> Evidence:
    """Return a run in which the good job expired before its client downloaded the result."""
    gone = frozenset({input_of("bad"), input_of("unlucky")})
    return replace(
        scenario(job(evidence, 0, expired_at=6.0 + after), 0, expired=True, download=None),
        kept=gone,
        results={},
    )


BROKEN: dict[str, tuple[Callable[[Evidence], Evidence], str]] = {
    "an answer that violates the API": (
        lambda e: scenario(e, 0, errors=["was answered 500"]),
        "500",
    ),
    "507 without a full disk": (
        lambda e: scenario(e, 0, full_at=[FULL[1] + MAX_ANSWER_DELAY + 1]),
        "while the disk had room",
    ),
    "an upload not acknowledged": (
        lambda e: scenario(e, 0, acknowledged=False),
        "not acknowledged",
    ),
    "an upload lost": (lambda e: replace(e, jobs=e.jobs[1:], attempts=e.attempts[2:]), "has jobs"),
    "an upload with two jobs": (second_job, "has jobs"),
    "another job than in the answers": (
        lambda e: scenario(e, 0, job_ids={str(BAD)}),
        "its client received",
    ),
    "two jobs in the answers": (
        lambda e: scenario(e, 0, job_ids={str(GOOD), str(BAD)}),
        "its client received",
    ),
    "a job of an incomplete upload": (lambda e: scenario(e, 0, plan=Plan.LEAVE), "never complete"),
    "an upload not cancelled": (
        lambda e: scenario(e, 4, cancelled=False),
        "could not be cancelled",
    ),
    "a job of an unknown upload": (
        lambda e: replace(e, scenarios=e.scenarios[1:]),
        "an unknown upload",
    ),
    "a wrong result": (lambda e: scenario(e, 0, download=Content.of(b"mus\n")), "not the oracle's"),
    "half a result": (lambda e: scenario(e, 0, download=Content.of(b"su")), "not the oracle's"),
    "no result": (lambda e: scenario(e, 0, state="FAILURE"), "ended as FAILURE"),
    "a malformed file with a result": (lambda e: scenario(e, 1, state="SUCCESS"), "at line 7"),
    "the wrong line": (lambda e: scenario(e, 1, message="line 77"), "at line 7"),
    "a cancelled job that ran on": (lambda e: job(e, 2, state="SUCCESS"), "cancelled: True"),
    "a job revoked without a cancellation": (
        lambda e: job(e, 0, state="REVOKED"),
        "cancelled: None",
    ),
    "a job of a cancelled upload": (lambda e: job_of_the_raced(e, "SUCCESS"), "was cancelled"),
    "an expiry that only the client saw": (
        lambda e: scenario(e, 0, expired=True),
        "the table says that it did not",
    ),
    "expired too early": (lambda e: expired(e, TTL - 1), "expired after 39.0 s"),
    "a job that never ends": (lambda e: job(e, 0, state="RETRY"), "stayed RETRY"),
    "an unexpected error of the worker": (
        lambda e: attempt(e, 1, reason="unexpected KeyError: 1"),
        "KeyError",
    ),
    "an attempt left open": (lambda e: attempt(e, 1, ended_at=None), "left open"),
    "an attempt missing": (lambda e: replace(e, attempts=e.attempts[::2]), "but rows"),
    "two attempts at once": (lambda e: attempt(e, 0, started_at=-7.0), "before attempt 1 ended"),
    "an attempt after success": (
        lambda e: attempt(e, 1, outcome="success"),
        "yet another followed",
    ),
    "success without a successful attempt": (
        lambda e: attempt(e, 0, outcome="lost"),
        "last attempt was",
    ),
    "failures miscounted": (lambda e: job(e, 0, failures=0), "counts 0 failures"),
    "failed too early": (
        lambda e: attempt(e, 3, reason="no memory"),
        "FAILURE after 1 failures of 3",
    ),
    "failed too late": (lambda e: job(e, 0, max_attempts=1), "retried 1 times"),
    "a malformed file attempted again": (
        lambda e: scenario(e, 1, retries_requested=0),
        "retried 1 times",
    ),
    "a lost retry": (lambda e: scenario(e, 1, retries=2), "retried 1 times"),
    "a dead letter lost": (lambda e: replace(e, dead_letters=[]), "not in the dead-letter queue"),
    "a dead letter never published": (lambda e: job(e, 3, dead_letter_due_at=6.0), "is still due"),
    "a dead letter of an unknown job": (
        lambda e: replace(e, dead_letters=[UNLUCKY, UUID(int=9)]),
        "a dead letter of an unknown job",
    ),
    "a failed job that its client did not give up": (
        lambda e: scenario(e, 6, gave_up=False),
        "ended as FAILURE: lost",
    ),
    "an attempt of no job": (lambda e: attempt(e, 1, job_id=UUID(int=9)), "do not exist"),
    "a pointer of another attempt": (
        lambda e: job(e, 0, result_key=result_key(GOOD, 1)),
        "points to",
    ),
    "a pointer to a missing blob": (lambda e: replace(e, results={}), "which is None"),
    "half a blob": (
        lambda e: replace(
            e,
            results={
                k: replace(b, received=RangeSet().add(0, 3)) for k, b in e.results.items() if b
            },
        ),
        "which is BlobInfo",
    ),
    "a failed job with a result": (
        lambda e: job(e, 1, result_key=result_key(BAD, 1)),
        "and points to",
    ),
    "an input removed too early": (
        lambda e: replace(e, kept=e.kept - {input_of("bad")}),
        "is needed but missing",
    ),
    "output of a lost attempt left": (
        lambda e: replace(e, kept=e.kept | {result_key(GOOD, 1)}),
        "was not removed",
    ),
    "input of a cancelled job left": (
        lambda e: replace(e, kept=e.kept | {input_of("ended")}),
        "was not removed",
    ),
}

ALLOWED: dict[str, Callable[[Evidence], Evidence]] = {
    "no fault": lambda e: e,
    "a result that expired before its client came": lambda e: expired(e, TTL),
    "a duplicate dead letter": lambda e: replace(e, dead_letters=[UNLUCKY, UNLUCKY]),
    "a dead letter of a retried job": lambda e: replace(e, dead_letters=[UNLUCKY, GOOD]),
    "a raced job that was cancelled": lambda e: job_of_the_raced(e, "REVOKED"),
}


@pytest.mark.parametrize("what", ALLOWED)
def test_a_run_without_violations_passes(what: str) -> None:
    assert violations(ALLOWED[what](kept())) == []


@pytest.mark.parametrize("what", BROKEN)
def test_a_violation_is_found(what: str) -> None:
    break_it, reported = BROKEN[what]
    assert reported in "\n".join(violations(break_it(kept())))
