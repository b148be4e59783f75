"""Storage faults: failed attempts that do not count against their job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.attempt.backoff import storage_answers, until_answered
from shared.errors import MalformedInput, StorageUnavailable

if TYPE_CHECKING:
    from processor.attempt.backoff import Ping
    from shared.jobs.job import Job
    from shared.ports import JobReader

UNAVAILABLE = "storage is unavailable"
FAILED = "storage failed"
"""Prefixes of the reasons that are recorded for storage faults."""
MAX_UNCOUNTED = 5
"""Storage faults of a job that do not count although storage is available. Further ones count: the
job of a damaged blob, which fails each time, must end."""


async def storage_fault_of(error: Exception, job: Job, jobs: JobReader, ping: Ping) -> str | None:
    """Return the reason to record if `error` is a storage fault that does not count, else None.

    `ping` checks whether storage is available now.
    """
    if isinstance(error, MalformedInput):
        return None
    if not await storage_answers(ping):
        return f"{UNAVAILABLE}: {error}"
    # Storage is available now; but it may have restarted meanwhile, or a connection was reset.
    if not is_caused_by(error, StorageUnavailable) or await _uncounted(job, jobs) >= MAX_UNCOUNTED:
        return None
    return f"{FAILED}: {error}"


def is_caused_by(error: BaseException | None, kind: type[Exception]) -> bool:
    """Whether an error, or one of its causes, is of this kind."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__
    return error is not None


async def _uncounted(job: Job, jobs: JobReader) -> int:
    attempts = await until_answered(lambda: jobs.attempts(job.id))
    return sum((attempt.reason or "").startswith(FAILED) for attempt in attempts)
