"""What the parts of the job store on SQL share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from shared.database.port import Statement
from shared.errors import LeaseLost
from shared.jobs.datasets import SqlDatasets
from shared.jobs.queries import JobQueries
from shared.jobs.turns import Turns

if TYPE_CHECKING:
    from shared.database.port import Database, Steps
    from shared.jobs.job import AttemptOutcome

AttemptLost = Callable[[UUID, int], None]
"""Is called with the job and the number of an attempt that is recorded as lost."""


class SqlJobs:
    """The statements of the job store on a migrated database. Its parts are subclasses.

    `attempt_lost` is called for each attempt that a claim records as lost.
    """

    def __init__(self, database: Database, attempt_lost: AttemptLost | None = None) -> None:
        self._database = database
        self._attempt_lost = attempt_lost
        self._sql = JobQueries.load()
        self._turns = Turns(database)
        self._datasets = SqlDatasets(database)

    def _end_attempt(
        self, job_id: UUID, now: float, outcome: AttemptOutcome, reason: str | None
    ) -> Steps[list[int]]:
        """End the running attempt, if there is one. Returns its number in a list."""
        rows = yield Statement(self._sql.end_attempt, (str(job_id), now, outcome.value, reason))
        return [row["number"] for row in rows]


def lease_lost(job_id: UUID, attempt: int) -> LeaseLost:
    """Return the error of an attempt that no longer holds its job."""
    return LeaseLost(f"job {job_id} is no longer attempt {attempt}'s")
