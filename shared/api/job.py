"""A job, its progress, its attempts, and the list of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from shared.api.described import AlsoJsonSchema, WithJsonSchema, described
from shared.api.problem import ProblemView
from shared.api.report import ReportView
from shared.api.view import Count, Id, Ordinal, Path, Sha256, Time, View, component
from shared.csv.problems import SHOWN_PROBLEMS
from shared.jobs.delivery import DeliveryState
from shared.jobs.engine_choice import EngineChoice
from shared.jobs.input_limits import MAX_INPUTS
from shared.jobs.job_state import AttemptOutcome, JobState

_MEANINGS = {
    JobState.PENDING: "waits for a worker",
    JobState.STARTED: "a worker runs it",
    JobState.RETRY: "an attempt failed or was interrupted, and another will follow",
    JobState.SUCCESS: "the result can be downloaded",
    JobState.FAILURE: "there is no result",
    JobState.REVOKED: "cancelled",
}
STATE_SCHEMA = {
    "type": "string",
    "enum": [state.value for state in JobState],
    "description": " ".join(f"`{state}`: {meaning}." for state, meaning in _MEANINGS.items()),
}
"""The OpenAPI component `JobState`."""
State = Annotated[str, component("JobState")]
"""A `JobState`, or one that a newer server has added."""
AggregationJson = Annotated[Mapping[str, Any], component("Aggregation")]
FIRST_ATTEMPTS, LAST_ATTEMPTS = 10, 10
"""How many of a job's first and last attempts are shown. It has no limit: retries add more."""
OUTCOMES = tuple(outcome.value for outcome in AttemptOutcome)

BytesDone = Annotated[
    Count,
    described(
        "Bytes of the input that have been read; fewer again if an attempt has to read "
        "the input again."
    ),
]
BytesTotal = Annotated[Count, described("Bytes of the input.")]
RowsDone = Annotated[
    Count | None,
    described(
        "Rows that have been read, without the header; all rows of the file if the job "
        "has succeeded; null if unknown."
    ),
]
RowsEstimated = Annotated[
    bool,
    described(
        "Whether `rows_done` is an estimate, from the bytes read and the length of the "
        "first records; false if the job has succeeded."
    ),
]
Percent = Annotated[
    float,
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100}),
    described(
        "Percentage of the bytes that have been read, rounded down to a tenth. 100 "
        "only if the job has succeeded: at 99.9 the result may still have to be written."
    ),
]
Eta = Annotated[
    Annotated[float, WithJsonSchema({"type": "number", "minimum": 0})] | None,
    described("Seconds until all bytes will have been read, at the current rate; null if unknown."),
]


@dataclass(frozen=True, slots=True)
class ProgressView(View):
    """How far the latest attempt has read, or had read when it ended."""

    bytes_done: BytesDone
    bytes_total: BytesTotal
    rows_done: RowsDone
    rows_estimated: RowsEstimated = field(default=False, kw_only=True)
    percent: Percent
    eta: Eta


@dataclass(frozen=True, slots=True)
class AttemptView(View):
    """One try at a job by one worker."""

    number: Ordinal
    """The number of the attempt, from 1."""
    worker: str
    """The worker, as `host:pid`."""
    started_at: Time
    """When the worker claimed the job."""
    ended_at: Time | None
    """When the attempt ended; null while it runs."""
    outcome: Annotated[str | None, WithJsonSchema({"enum": [*map(str, AttemptOutcome), None]})]
    """`lost`: the worker was killed or disconnected. `released`: the worker was shut down, which
    does not count towards `max_attempts`. Null while the attempt runs."""
    reason: str | None
    """Why the attempt did not succeed."""


@dataclass(frozen=True, slots=True)
class JobResultView(View):
    """The output of a job."""

    size: Count
    """Bytes."""
    sha256: Sha256
    """The SHA-256 of the output, in hexadecimal."""
    rows_in: Count | None
    """Records of the input, without the header, as `rows_in` of the report."""
    rows_out: Count
    """Rows of the output, without the header."""


@dataclass(frozen=True, slots=True)
class JobInputView(View):
    """An upload as a job reads it."""

    upload_id: Id
    """The id of the upload."""
    name: str
    """The name of the file."""
    size: Count
    """Bytes."""
    sha256: Sha256 | None
    """The SHA-256, in hexadecimal, as it was declared or found while it was fetched; null if
    unknown."""
    url: str | None = None
    """Where it is fetched from, without a query; null if a client sent it."""


@dataclass(frozen=True, slots=True)
class OutputToView(View):
    """Where a result is sent to."""

    url: str
    """The URL of the object."""
    state: Annotated[str, WithJsonSchema({"enum": [*map(str, DeliveryState)]})]
    """`PENDING` until the job has succeeded and the result has arrived. `FAILED`: it was given up;
    the result can be downloaded."""
    reason: str | None
    """Why it failed last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView(View):
    """One aggregation of one or more uploaded files."""

    id: Id
    """The id of the job."""
    state: State
    attempt: Count
    """The number of the latest attempt; 0 before the first."""
    max_attempts: Ordinal
    """How many attempts may fail before the job fails."""
    created_at: Time
    """When the upload was complete, or the job was asked for."""
    published_at: Time | None = None
    """When a worker was last called for the job."""
    finished_at: Time | None
    """When the job ended."""
    expired_at: Time | None = None
    """When the job expired or was deleted: its result and its file are no longer kept."""
    result_deleted_at: Time | None = None
    """When the result was deleted, with rejects and preview."""
    reason: str | None
    """Why the latest attempt did not succeed."""
    filename: str
    """The name of the uploaded file, or the one under which the job was asked for."""
    input_size: Count
    """Bytes of the uploaded files."""
    aggregation: AggregationJson | None = None
    """The aggregation, as JSON that can be sent again."""
    progress: ProgressView | None = None
    """How far the latest attempt has read; null while the job waits."""
    result: JobResultView | None
    """The output; null unless the job has succeeded."""
    report: ReportView | None = None
    """The report of the latest attempt; null unless that has succeeded or failed."""
    problems: Annotated[tuple[ProblemView, ...], AlsoJsonSchema({"maxItems": SHOWN_PROBLEMS})] = ()
    """The first problems of the file."""
    problem_count: Count | None = None
    """The number of all problems; null if unknown."""
    attempts: Annotated[
        tuple[AttemptView, ...],
        AlsoJsonSchema({"maxItems": FIRST_ATTEMPTS + LAST_ATTEMPTS}),
    ]
    """The first 10 and the last 10 attempts, oldest first. `attempt` is how many there are."""
    inputs: Annotated[tuple[JobInputView, ...], AlsoJsonSchema({"maxItems": MAX_INPUTS})] = ()
    """The uploads that the job reads, in order."""
    cached_from: Id | None = None
    """The id of the job whose result this one has got, if nothing was computed again."""
    notify: tuple[str, ...] = ()
    """Which hosts are notified when the job ends, such as `https://hooks.example`. The rest of a
    URL may be a secret."""
    spec_name: str | None = None
    """The saved spec with which the job was created: `aggregation` is what that was then."""
    stage: Annotated[str | None, WithJsonSchema({"enum": ["fetching", None]})] = None
    """`fetching` while inputs are fetched from elsewhere, of which `progress` then tells."""
    output_to: OutputToView | None = None
    """Where the result is sent to; null if it is only stored."""
    engine: Annotated[str, WithJsonSchema({"enum": [*map(str, EngineChoice)]})] = EngineChoice.AUTO
    """Where the job is to be computed, as it was asked for. `report.cluster` tells where it was."""

    @property
    def result_size(self) -> int | None:
        """Bytes of the result, if there is one."""
        return self.result.size if self.result else None

    @property
    def result_sha256(self) -> str | None:
        """The SHA-256 of the result in hexadecimal, if there is one."""
        return self.result.sha256 if self.result else None

    @property
    def rows_in(self) -> int | None:
        """Records of the input, without the header, if there is a result."""
        return self.result.rows_in if self.result else None

    @property
    def rows_out(self) -> int | None:
        """Rows of the result, without the header, if there is one."""
        return self.result.rows_out if self.result else None


@dataclass(frozen=True, slots=True)
class JobListView(View):
    """One page of the list of jobs, newest first."""

    jobs: tuple[JobView, ...]
    next: Path | None
    """The path of the next page; null on the last one."""


@dataclass(frozen=True, slots=True)
class JobEventDataView(View):
    """The data of an event: the state and the progress of a job."""

    id: Id
    """The id of the job."""
    state: State
    attempt: Count
    """The number of the latest attempt; 0 before the first."""
    bytes_done: BytesDone
    bytes_total: BytesTotal
    rows_done: RowsDone
    rows_estimated: RowsEstimated = field(default=False, kw_only=True)
    percent: Percent
    eta: Eta
    reason: str | None
    """Why the latest attempt did not succeed."""
    result: Path | None = None
    """The path of the result, if there is one."""
