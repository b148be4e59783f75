"""The invariants of the attempts of a job."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.chaos.evidence import AttemptRow, JobRow
    from tests.chaos.scenario import Scenario

CLOCK_TO_STATEMENT = 10.0
"""Seconds, at most, between reading the clock and the statement that stores the time.

An index of the table prevents overlapping attempts; the times only show their order.
"""
_LAST_OUTCOMES: dict[str, set[str | None]] = {
    "SUCCESS": {"success"},
    "FAILURE": {"failure", "lost"},
    # Cancelled while it ran, or while it waited.
    "REVOKED": {"revoked", "lost", "released", "failure", None},
}
MALFORMED = re.compile(r"\bline \d+\b")
"""Only the reasons of malformed files match this."""


def is_malformed(attempt: AttemptRow) -> bool:
    """Return whether the attempt failed because its file is malformed, which is final."""
    return attempt.outcome == "failure" and bool(MALFORMED.search(attempt.reason or ""))


def history_violations(
    job: JobRow, tried: Sequence[AttemptRow], scenario: Scenario | None
) -> Iterator[str]:
    """Yield the violations in the attempts of a job, sorted by number."""
    if [attempt.number for attempt in tried] != list(range(1, job.attempt + 1)):
        yield f"attempt {job.attempt}, but rows {[attempt.number for attempt in tried]}"
        return
    for attempt in tried:
        if attempt.ended_at is None:
            yield f"attempt {attempt.number} was left open"
        if "unexpected" in (attempt.reason or ""):
            yield f"attempt {attempt.number}: {attempt.reason}"
    for before, after in pairwise(tried):
        if before.ended_at is not None and after.started_at < before.ended_at - CLOCK_TO_STATEMENT:
            yield f"attempt {after.number} began before attempt {before.number} ended"
        if before.outcome not in ("lost", "released", "failure"):
            yield f"attempt {before.number} was {before.outcome}, yet another followed"
    last = tried[-1].outcome if tried else None
    if last not in _LAST_OUTCOMES.get(job.state, set()):
        yield f"{job.state}, but its last attempt was {last}"
    yield from _of_failures(job, tried, scenario)


def _of_failures(
    job: JobRow, tried: Sequence[AttemptRow], scenario: Scenario | None
) -> Iterator[str]:
    """A job fails exactly when its attempts are used up or its file is malformed."""
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
        yield f"counts {job.failures} failures but has {failures}"
    acknowledged, requested = (scenario.retries, scenario.retries_requested) if scenario else (0, 0)
    if not acknowledged <= retries <= requested:
        yield f"was retried {retries} times, requested {requested}, acknowledged {acknowledged}"
