"""Whose fault it is that an attempt failed: the job's own, or storage's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.attempt.backoff import storage_answers, until_answered
from shared.errors import MalformedInput, StorageUnavailable

if TYPE_CHECKING:
    from processor.attempt.backoff import Ping
    from shared.jobs.job import Job
    from shared.ports import JobStore

AWAY = "storage is away"
FAILED = "storage failed"
"""With which the reasons of attempts begin that are not counted."""
FORGIVEN = 5
"""Failures of a storage that answers, and that are not counted, for each job. What comes after them
is: a blob that is damaged fails alike each time, and its job has to end."""


async def blame_of_storage(error: Exception, job: Job, jobs: JobStore, ping: Ping) -> str | None:
    """Why an attempt that `error` has ended does not count, as it was storage's fault.

    None if it counts.
    """
    if isinstance(error, MalformedInput):
        return None
    if not await storage_answers(ping):
        return f"{AWAY}: {error}"
    # It answers now; but it may have been started anew meanwhile, or a connection was reset.
    if not _comes_of_storage(error) or await _forgiven(job, jobs) >= FORGIVEN:
        return None
    return f"{FAILED}: {error}"


def _comes_of_storage(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, StorageUnavailable):
        error = error.__cause__
    return error is not None


async def _forgiven(job: Job, jobs: JobStore) -> int:
    attempts = await until_answered(lambda: jobs.attempts(job.id))
    return sum((attempt.reason or "").startswith(FAILED) for attempt in attempts)
