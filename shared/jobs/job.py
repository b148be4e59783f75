"""Jobs, their states and results: values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.access.tenant import DEFAULT_TENANT
from shared.aggregation.spec import SONG_PLAYS as SONG_PLAYS
from shared.aggregation.spec import Aggregation as Aggregation  # noqa: TC001
from shared.jobs.engine_choice import EngineChoice
from shared.jobs.fetch import NEVER
from shared.jobs.job_state import TERMINAL_STATES as TERMINAL_STATES
from shared.jobs.job_state import AttemptOutcome as AttemptOutcome
from shared.jobs.job_state import JobState as JobState

if TYPE_CHECKING:
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.blobs.blob import BlobKey
    from shared.jobs.job_input import JobInput
    from shared.jobs.report import Report


@dataclass(frozen=True, slots=True)
class JobRejects:
    """The blob with the rejects of a result (`shared.jobs.rejects`)."""

    key: BlobKey
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hex digest; also the strong ETag of the rejects."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """The blob with the output of a job."""

    key: BlobKey
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hex digest; also the strong ETag of the output."""
    rows_in: int
    """Records of the file, without the header. For jobs of an older csvmill, only those that were
    aggregated; use `Job.rows_in`."""
    rows_out: int
    """Groups, without the header."""
    rejects: JobRejects | None = None
    """None if no record was left out."""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far an attempt has read."""

    bytes_done: int
    """Bytes of the input read so far. Starts again from 0 if the input is read again."""
    rows_done: int | None = None
    """Rows read so far, without the header; None while unknown."""
    rate: float | None = None
    """Recent bytes per second; None while unknown."""
    rows_estimated: bool = False
    """Whether `rows_done` is estimated from the length of the first records."""


@dataclass(frozen=True, slots=True)
class Job:
    """One aggregation of one or more uploads. Times are Unix seconds."""

    id: UUID
    upload_id: UUID | None
    """The upload whose completion made the job; None if the job was asked for."""
    inputs: tuple[JobInput, ...]
    """What it reads, in order; at least one."""
    filename: str
    """The name of its file, or the one under which it was asked for."""
    aggregation: Aggregation
    state: JobState
    attempt: int
    """The number of the latest attempt, its fencing token; 0 before the first."""
    max_attempts: int
    created_at: float
    published_at: float | None = None
    """When the broker last confirmed a wake-up for this job."""
    lease_until: float | None = None
    """When the lease of the running attempt ends."""
    retry_at: float | None = None
    """The earliest start of the next attempt, if it is delayed."""
    worker: str | None = None
    finished_at: float | None = None
    reason: str | None = None
    """Why the latest attempt failed or was released."""
    result: JobResult | None = None
    progress: JobProgress | None = None
    """The last recorded progress of the latest attempt; None if there is none."""
    report: Report | None = None
    """The report of the latest attempt, if it has succeeded or failed."""
    expired_at: float | None = None
    """When the job expired: its blobs are no longer kept, and it never changes again."""
    result_deleted_at: float | None = None
    """When a client deleted the result, with rejects and preview. Final: none of them is kept."""
    dead_letter_due_at: float | None = None
    """When the dead letter of a failed job became due, or when a relay last tried to publish it;
    None if none is due."""
    dead_lettered_at: float | None = None
    """When the broker confirmed the dead letter."""
    tenant: Tenant = DEFAULT_TENANT
    """Whose job it is."""
    small: bool = False
    """Whether it waits and runs among the small jobs."""
    cache: bool = True
    """Whether it may be answered by what another job has computed."""
    cached_from: UUID | None = None
    """The job whose result it has, if that was not computed again."""
    request_digest: str | None = None
    """The SHA-256 of the request that asked for it, in lower-case hex; None without one."""
    notify: tuple[str, ...] = ()
    """The URLs that are notified when it ends. They may contain secrets."""
    spec_name: str | None = None
    """The saved spec with which it was created, as that was then."""

    output_to: str | None = None
    """The URL of the object that the result is sent to; None if it is not sent."""
    output_state: str | None = None
    """What became of that (see `shared.jobs.delivery`)."""
    output_reason: str | None = None
    """Why it failed last."""
    engine: EngineChoice = EngineChoice.AUTO
    """Where it is to be computed."""

    @property
    def fetching(self) -> bool:
        """Whether it waits for inputs that are being fetched."""
        return self.state in (JobState.PENDING, JobState.RETRY) and self.retry_at == NEVER

    @property
    def input_size(self) -> int:
        """Bytes of all inputs."""
        return sum(each.size for each in self.inputs)

    @property
    def rows_in(self) -> int | None:
        """All records of the file, without the header; None if unknown."""
        if self.report is not None and not self.report.unfinished:
            return self.report.rows.total
        return None if self.result is None else self.result.rows_in

    @property
    def has_kept_result(self) -> bool:
        """Whether there is a result, and its bytes are kept."""
        return (
            self.result is not None and self.expired_at is None and self.result_deleted_at is None
        )

    @property
    def dead_letter_is_due(self) -> bool:
        """Whether the job has used up its attempts and its dead letter is not confirmed yet."""
        return self.state is JobState.FAILURE and self.dead_letter_due_at is not None


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Selects the jobs of a list; all of a tenant by default. Times are Unix seconds."""

    states: frozenset[JobState] = frozenset(JobState)
    created_from: float | None = None
    """Jobs created then or later."""
    created_before: float | None = None
    """Jobs created earlier."""
    filename: str | None = None
    """Jobs whose file has exactly this name."""
    tenant: Tenant = DEFAULT_TENANT
    """Jobs of this tenant."""


@dataclass(frozen=True, slots=True)
class JobPosition:
    """The position of a job in lists, which are ordered by `created_at`, then `id`."""

    created_at: float
    """Unix seconds."""
    id: UUID


@dataclass(frozen=True, slots=True)
class Found:
    """What a search for jobs has found so far."""

    jobs: tuple[Job, ...]
    """Newest first."""
    rest: JobPosition | None
    """The position after which the search continues; None if nothing is left."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The numbers of jobs that have not ended, by state."""

    pending: int = 0
    retry: int = 0
    started: int = 0
    oldest_waiting: float | None = None
    """When the oldest job that waits for an attempt was created, in Unix seconds."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a job. Its row is kept after its end. Times are Unix seconds."""

    job_id: UUID
    number: int
    worker: str
    started_at: float
    ended_at: float | None = None
    outcome: AttemptOutcome | None = None
    """None while it runs."""
    reason: str | None = None
