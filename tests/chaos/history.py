"""What must hold of the attempts at a job."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.chaos.evidence import AttemptRow, JobRow
    from tests.chaos.story import Story

ON_THE_WAY = 10.0
"""Seconds at most between a worker's look at its clock and the statement that carries the time.

That attempts do not overlap is an index of the table; their times show no more than the order.
"""
_LAST_OUTCOMES: dict[str, set[str | None]] = {
    "SUCCESS": {"success"},
    "FAILURE": {"failure", "lost"},
    # Cancelled while it ran, or while it waited.
    "REVOKED": {"revoked", "lost", "released", "failure", None},
}
MALFORMED = re.compile(r"\bline \d+\b")
"""What only the reasons of malformed files say."""


def is_malformed(attempt: AttemptRow) -> bool:
    """Whether an attempt found its file malformed, which is final."""
    return attempt.outcome == "failure" and bool(MALFORMED.search(attempt.reason or ""))


def of_history(job: JobRow, tried: Sequence[AttemptRow], story: Story | None) -> Iterator[str]:
    """What is wrong with the attempts at a job, which come in the order of their numbers."""
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
    if last not in _LAST_OUTCOMES.get(job.state, set()):
        yield f"{job.state}, but its last attempt was {last}"
    yield from _of_failures(job, tried, story)


def _of_failures(job: JobRow, tried: Sequence[AttemptRow], story: Story | None) -> Iterator[str]:
    """A job has failed when its attempts are used up, or its file is malformed, and not before."""
    failures = retries = 0
    failed = False
    for attempt in tried:
        if failed:
            retries, failures, failed = retries + 1, 0, False
        if attempt.outcome in ("lost", "failure"):
            failures += 1
            failed = failures >= job.max_attempts or is_malformed(attempt)
    if failed != (job.state == "FAILURE") and job.state != "REVOKED":
        yield f"{job.state} after {failures} failures of {job.max_attempts}"
    if job.failures != failures and job.state != "REVOKED":
        yield f"counts {job.failures} failures, and has {failures}"
    told, asked = (story.retries, story.retries_asked) if story else (0, 0)
    if not told <= retries <= asked:
        yield f"was retried {retries} times; its client asked {asked} times, and was told {told}"
