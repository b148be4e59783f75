"""The verdict finds what is planted: each promise is broken once, and is reported."""

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
from tests.chaos.story import Plan, Story
from tests.chaos.verdict import LATE, violations

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD, BAD, ENDED, UNLUCKY = (UUID(int=number) for number in range(1, 5))
SIZE = 4
TTL = 40.0
FULL = (100.0, 103.0)


def kept() -> Evidence:
    """A run in which every promise was kept.

    One result, one malformed file that was retried in vain, one upload never finished, one job
    cancelled, one upload cancelled, one cancelled by whoever brought the last byte, one job that
    used up its attempts and was left at that.
    """
    key = result_key(GOOD, 2)
    content = Content.of(b"sum\n")
    return Evidence(
        stories=[
            Story(
                Input(0, "plain", b"", content), "good", job_ids={str(GOOD)},
                acknowledged=True, state="SUCCESS", download=content, full_at=[101.0, 104.0],
            ),
            Story(
                Input(1, "not a number", b"", None, 7), "bad", job_ids={str(BAD)},
                acknowledged=True, state="FAILURE", message="line 7, column 3: found 'many'",
                retries=1, retries_asked=2,
            ),
            Story(Input(2, "plain", b"", content), "left", Plan.LEAVE, acknowledged=True),
            Story(
                Input(3, "plain", b"", content), "ended", Plan.CANCEL_JOB, job_ids={str(ENDED)},
                acknowledged=True, cancelled=True, state="REVOKED",
            ),
            Story(
                Input(4, "plain", b"", content), "removed", Plan.CANCEL_UPLOAD,
                acknowledged=True, cancelled=True,
            ),
            Story(
                Input(5, "plain", b"", content), "raced", Plan.RACE,
                acknowledged=True, cancelled=True,
            ),
            Story(
                Input(6, "plain", b"", content), "unlucky", job_ids={str(UNLUCKY)},
                acknowledged=True, resigned=True, state="FAILURE", message="lost",
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


def story(evidence: Evidence, index: int, **changed: object) -> Evidence:
    stories = list(evidence.stories)
    stories[index] = replace(stories[index], **changed)  # type: ignore[arg-type]  # by field name
    return replace(evidence, stories=stories)


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
    """The good job has expired, its client came too late."""
    gone = frozenset({input_of("bad"), input_of("unlucky")})
    return replace(
        story(job(evidence, 0, expired_at=6.0 + after), 0, expired=True, download=None),
        kept=gone,
        results={},
    )


BROKEN: dict[str, tuple[Callable[[Evidence], Evidence], str]] = {
    "an answer nobody may get": (lambda e: story(e, 0, wrong=["was answered 500"]), "500"),
    "no room without need": (lambda e: story(e, 0, full_at=[FULL[1] + LATE + 1]), "no room"),
    "an upload not acknowledged": (lambda e: story(e, 0, acknowledged=False), "not acknowledged"),
    "an upload lost": (lambda e: replace(e, jobs=e.jobs[1:], attempts=e.attempts[2:]), "has jobs"),
    "an upload with two jobs": (second_job, "has jobs"),
    "another job than was told": (lambda e: story(e, 0, job_ids={str(BAD)}), "was told"),
    "two jobs told": (lambda e: story(e, 0, job_ids={str(GOOD), str(BAD)}), "was told"),
    "a job of half an upload": (lambda e: story(e, 0, plan=Plan.LEAVE), "never complete"),
    "an upload not cancelled": (lambda e: story(e, 4, cancelled=False), "could not be cancelled"),
    "a job of nobody": (lambda e: replace(e, stories=e.stories[1:]), "no upload of ours"),
    "a wrong result": (lambda e: story(e, 0, download=Content.of(b"mus\n")), "not the oracle's"),
    "half a result": (lambda e: story(e, 0, download=Content.of(b"su")), "not the oracle's"),
    "no result": (lambda e: story(e, 0, state="FAILURE"), "ended as FAILURE"),
    "a malformed file with a result": (lambda e: story(e, 1, state="SUCCESS"), "at line 7"),
    "the wrong line": (lambda e: story(e, 1, message="line 77"), "at line 7"),
    "a cancelled job that ran on": (lambda e: job(e, 2, state="SUCCESS"), "cancelled: True"),
    "a job cancelled by nobody": (lambda e: job(e, 0, state="REVOKED"), "cancelled: None"),
    "a job after the race was lost": (lambda e: job_of_the_raced(e, "SUCCESS"), "was cancelled"),
    "expired, the client says": (lambda e: story(e, 0, expired=True), "the table has not"),
    "expired too early": (lambda e: expired(e, TTL - 1), "expired after 39.0 s"),
    "a job that never ends": (lambda e: job(e, 0, state="RETRY"), "stayed RETRY"),
    "a surprise of the worker": (
        lambda e: attempt(e, 1, reason="unexpected KeyError: 1"), "KeyError"),
    "an attempt left open": (lambda e: attempt(e, 1, ended_at=None), "left open"),
    "an attempt missing": (lambda e: replace(e, attempts=e.attempts[::2]), "but rows"),
    "two attempts at once": (lambda e: attempt(e, 0, started_at=-7.0), "before attempt 1 ended"),
    "an attempt after success": (lambda e: attempt(e, 1, outcome="success"), "another followed"),
    "success without an attempt's": (lambda e: attempt(e, 0, outcome="lost"), "last attempt was"),
    "failures miscounted": (lambda e: job(e, 0, failures=0), "counts 0 failures"),
    "given up too early": (
        lambda e: attempt(e, 3, reason="no memory"), "FAILURE after 1 failures of 3"),
    "given up too late": (lambda e: job(e, 0, max_attempts=1), "retried 1 times"),
    "a malformed file tried again": (lambda e: story(e, 1, retries_asked=0), "retried 1 times"),
    "a retry forgotten": (lambda e: story(e, 1, retries=2), "retried 1 times"),
    "a dead letter lost": (lambda e: replace(e, dead_letters=[]), "not in the dead-letter queue"),
    "a dead letter never put": (lambda e: job(e, 3, dead_letter_due_at=6.0), "is due still"),
    "a dead letter of nobody": (
        lambda e: replace(e, dead_letters=[UNLUCKY, UUID(int=9)]), "a dead letter of no job"),
    "a job left to fail by nobody": (
        lambda e: story(e, 6, resigned=False), "ended as FAILURE: lost"),
    "an attempt of no job": (lambda e: attempt(e, 1, job_id=UUID(int=9)), "do not exist"),
    "a pointer of another attempt": (
        lambda e: job(e, 0, result_key=result_key(GOOD, 1)), "points to"),
    "a pointer into nothing": (lambda e: replace(e, results={}), "which is None"),
    "half a blob": (
        lambda e: replace(e, results={k: replace(b, received=RangeSet().add(0, 3))
                                      for k, b in e.results.items() if b}), "which is BlobInfo"),
    "a failed job with a result": (
        lambda e: job(e, 1, result_key=result_key(BAD, 1)), "and points to"),
    "an input removed too early": (
        lambda e: replace(e, kept=e.kept - {input_of("bad")}), "is needed, and gone"),
    "output of a lost attempt left": (
        lambda e: replace(e, kept=e.kept | {result_key(GOOD, 1)}), "was left over"),
    "input of a cancelled job left": (
        lambda e: replace(e, kept=e.kept | {input_of("ended")}), "was left over"),
}  # fmt: skip

ALLOWED: dict[str, Callable[[Evidence], Evidence]] = {
    "nothing special": lambda e: e,
    "a result that expired before its client came": lambda e: expired(e, TTL),
    "a dead letter put twice": lambda e: replace(e, dead_letters=[UNLUCKY, UNLUCKY]),
    "a dead letter of a job that was put back": lambda e: replace(e, dead_letters=[UNLUCKY, GOOD]),
    "a raced job that was cancelled": lambda e: job_of_the_raced(e, "REVOKED"),
}


@pytest.mark.parametrize("what", ALLOWED)
def test_a_run_that_kept_every_promise_is_acquitted(what: str) -> None:
    assert violations(ALLOWED[what](kept())) == []


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_promise_is_found(what: str) -> None:
    break_it, reported = BROKEN[what]
    assert reported in "\n".join(violations(break_it(kept())))
