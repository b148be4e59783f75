"""The verdict finds what is planted: each promise is broken once, and is reported."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from gateway.uploads import upload_id_of
from shared.blobs import BlobInfo, result_key
from shared.byte_ranges import RangeSet
from tests.chaos.client import Story
from tests.chaos.inputs import Content, Input
from tests.chaos.verdict import AttemptRow, Evidence, JobRow, violations

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD, BAD = UUID(int=1), UUID(int=2)
SIZE = 4


def kept() -> Evidence:
    """A run in which every promise was kept: one result, one malformed file, one never finished."""
    key = result_key(GOOD, 2)
    return Evidence(
        stories=[
            Story(
                Input(0, "plain", b"", Content.of(b"sum\n")), "good", job_ids={str(GOOD)},
                acknowledged=True, state="SUCCESS", download=Content.of(b"sum\n"),
            ),
            Story(
                Input(1, "not a number", b"", None, 7), "bad", job_ids={str(BAD)},
                acknowledged=True, state="FAILURE", message="line 7, column 3: found 'many'",
            ),
            Story(
                Input(2, "plain", b"", Content.of(b"sum\n")), "left",
                abandoned=True, acknowledged=True,
            ),
        ],
        jobs=[
            JobRow(GOOD, upload_id_of("good"), "SUCCESS", 2, 1, key, SIZE, None),
            JobRow(BAD, upload_id_of("bad"), "FAILURE", 1, 1, None, None, "line 7"),
        ],
        attempts=[
            AttemptRow(GOOD, 2, "b", 5.0, 6.0, "success", None),
            AttemptRow(GOOD, 1, "a", 1.0, 4.0, "lost", "lost"),
            AttemptRow(BAD, 1, "a", 1.0, 2.0, "failure", "line 7"),
        ],
        results={key: BlobInfo(key, SIZE, RangeSet().add(0, SIZE))},
    )  # fmt: skip


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
    twin = replace(evidence.jobs[1], id=UUID(int=3))
    tried = replace(evidence.attempts[2], job_id=twin.id)
    return replace(evidence, jobs=[*evidence.jobs, twin], attempts=[*evidence.attempts, tried])


BROKEN: dict[str, tuple[Callable[[Evidence], Evidence], str]] = {
    "an answer nobody may get": (lambda e: story(e, 0, wrong=["was answered 500"]), "500"),
    "an upload not acknowledged": (lambda e: story(e, 0, acknowledged=False), "not acknowledged"),
    "an upload lost": (lambda e: replace(e, jobs=e.jobs[1:], attempts=e.attempts[2:]), "has jobs"),
    "an upload with two jobs": (second_job, "has jobs"),
    "another job than was told": (lambda e: story(e, 0, job_ids={str(BAD)}), "was told"),
    "two jobs told": (lambda e: story(e, 0, job_ids={str(GOOD), str(BAD)}), "was told"),
    "a job of half an upload": (lambda e: story(e, 0, abandoned=True), "never complete"),
    "a job of nobody": (lambda e: replace(e, stories=e.stories[1:]), "no upload of ours"),
    "a wrong result": (lambda e: story(e, 0, download=Content.of(b"mus\n")), "not the oracle's"),
    "half a result": (lambda e: story(e, 0, download=Content.of(b"su")), "not the oracle's"),
    "no result": (lambda e: story(e, 0, state="FAILURE"), "ended as FAILURE"),
    "a malformed file with a result": (lambda e: story(e, 1, state="SUCCESS"), "at line 7"),
    "the wrong line": (lambda e: story(e, 1, message="line 77"), "at line 7"),
    "a job that never ends": (lambda e: job(e, 0, state="RETRY"), "stayed RETRY"),
    "a surprise of the worker": (
        lambda e: attempt(e, 1, reason="unexpected KeyError: 1"), "KeyError"),
    "an attempt left open": (lambda e: attempt(e, 1, ended_at=None), "left open"),
    "an attempt missing": (lambda e: replace(e, attempts=e.attempts[::2]), "but rows"),
    "two attempts at once": (lambda e: attempt(e, 0, started_at=-7.0), "before attempt 1 ended"),
    "an attempt after success": (lambda e: attempt(e, 1, outcome="success"), "another followed"),
    "success without an attempt's": (lambda e: attempt(e, 0, outcome="lost"), "last attempt was"),
    "failures miscounted": (lambda e: job(e, 0, failures=0), "counts 0 failures"),
    "an attempt of no job": (lambda e: attempt(e, 1, job_id=UUID(int=9)), "do not exist"),
    "a pointer of another attempt": (
        lambda e: job(e, 0, result_key=result_key(GOOD, 1)), "points to"),
    "a pointer into nothing": (lambda e: replace(e, results={}), "which is None"),
    "half a blob": (
        lambda e: replace(e, results={k: replace(b, received=RangeSet().add(0, 3))
                                      for k, b in e.results.items() if b}), "which is BlobInfo"),
    "a failed job with a result": (
        lambda e: job(e, 1, result_key=result_key(BAD, 1)), "and points to"),
}  # fmt: skip


def test_a_run_that_kept_every_promise_is_acquitted() -> None:
    assert violations(kept()) == []


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_promise_is_found(what: str) -> None:
    break_it, reported = BROKEN[what]
    assert reported in "\n".join(violations(break_it(kept())))
