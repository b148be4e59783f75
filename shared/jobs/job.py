"""Jobs and what they consist of: values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from shared.aggregation.spec import SONG_PLAYS as SONG_PLAYS
from shared.aggregation.spec import Aggregation as Aggregation  # noqa: TC001

if TYPE_CHECKING:
    from uuid import UUID

    from shared.blobs.blob import BlobKey
    from shared.jobs.report import Report


class JobState(StrEnum):
    """Celery's state names, which the first clients of the API already know."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    RETRY = "RETRY"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REVOKED = "REVOKED"

    @property
    def terminal(self) -> bool:
        """Whether the job has ended: only an operator's retry of a FAILURE leads out again."""
        return self in (JobState.SUCCESS, JobState.FAILURE, JobState.REVOKED)


TERMINAL_STATES = frozenset(state for state in JobState if state.terminal)


@dataclass(frozen=True, slots=True)
class JobRejects:
    """Where the records stand that were left out of a result: see `shared.jobs.rejects`."""

    key: BlobKey
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hex digest, which is their strong ETag."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """Where the output of a job stands, and what it is."""

    key: BlobKey
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hex digest of the output, which is its strong ETag."""
    rows_in: int
    """Records of the file, without the header. A job of an older csvmill has those here that were
    aggregated: `Job.rows_in` knows better."""
    rows_out: int
    """Groups, without the header."""
    rejects: JobRejects | None = None
    """None if no record was left out."""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far an attempt has come through the input."""

    bytes_done: int
    """Bytes of the input that have been read. It falls if the input has to be read again."""
    rows_done: int | None = None
    """Rows that have been read, without the header; None while that is not known."""
    rate: float | None = None
    """Bytes a second of late; None while that is not known."""
    rows_estimated: bool = False
    """Whether `rows_done` is an estimate, from the bytes read and the first records' length."""


@dataclass(frozen=True, slots=True)
class Job:
    """One aggregation of one upload. Times are Unix seconds."""

    id: UUID
    upload_id: UUID
    input_key: BlobKey
    input_size: int
    filename: str
    aggregation: Aggregation
    state: JobState
    attempt: int
    """How often the job has been claimed; the number of the latest attempt, its fencing token."""
    max_attempts: int
    created_at: float
    published_at: float | None = None
    """When the broker last confirmed a wake-up for this job."""
    lease_until: float | None = None
    """Until when the running attempt owns the job."""
    retry_at: float | None = None
    """When the next attempt may begin, if it has to wait."""
    worker: str | None = None
    finished_at: float | None = None
    reason: str | None = None
    """Why the latest attempt did not succeed."""
    result: JobResult | None = None
    progress: JobProgress | None = None
    """How far the latest attempt has come, or had when it ended; None if it has not said so."""
    report: Report | None = None
    """Of the latest attempt, if it has succeeded or failed; None if its worker was lost."""
    expired_at: float | None = None
    """Since when input and result are no longer kept; such a job never changes again."""
    dead_letter_due_at: float | None = None
    """Since when a FAILURE's message is due in the dead-letter queue, or when a relay last took
    that on; None if none is due, or it is there."""
    dead_lettered_at: float | None = None
    """When the broker confirmed that the message of a FAILURE is in the dead-letter queue."""

    @property
    def rows_in(self) -> int | None:
        """Records of the file, without the header, whatever became of them; None if unknown."""
        if self.report is not None and not self.report.unfinished:
            return self.report.rows.total
        return None if self.result is None else self.result.rows_in

    @property
    def owes_dead_letter(self) -> bool:
        """Whether the job has used up its attempts, and operators have no message of that yet."""
        return self.state is JobState.FAILURE and self.dead_letter_due_at is not None


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list has: all, unless something is said. Times are Unix seconds."""

    states: frozenset[JobState] = frozenset(JobState)
    created_from: float | None = None
    """Those made then or later."""
    created_before: float | None = None
    filename: str | None = None
    """Those whose file has exactly this name."""


@dataclass(frozen=True, slots=True)
class JobPosition:
    """Where a job stands in the order of lists, which is that of `created_at`, then `id`."""

    created_at: float
    """Unix seconds."""
    id: UUID


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The jobs that have not ended, counted."""

    pending: int = 0
    retry: int = 0
    started: int = 0
    oldest_waiting: float | None = None
    """When the oldest that waits, PENDING or RETRY, was made: Unix seconds."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a job, kept after it ended."""

    job_id: UUID
    number: int
    worker: str
    started_at: float
    ended_at: float | None = None
    outcome: str | None = None
    """`success`, `failure`, `released`, `lost` or `revoked`; None while it runs."""
    reason: str | None = None
