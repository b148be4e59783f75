"""A job as the server's API shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csvmill.client.job_event import JobProgress
from csvmill.client.report_view import ProblemView, ReportView

if TYPE_CHECKING:
    from collections.abc import Mapping

TERMINAL = frozenset({"SUCCESS", "FAILURE", "REVOKED"})
"""The states in which a job stays, unless it is retried."""


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One try at a job. Times are RFC 3339 text."""

    number: int
    worker: str
    """`host:pid`."""
    started_at: str
    ended_at: str | None
    outcome: str | None
    """`success`, `failure`, `released`, `lost` or `revoked`; None while it runs."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class JobView:
    """All that the server tells of a job. Times are RFC 3339 text, sizes in bytes."""

    id: str
    state: str
    attempt: int
    max_attempts: int
    created_at: str
    finished_at: str | None
    reason: str | None
    filename: str
    input_size: int
    result_size: int | None
    result_sha256: str | None
    rows_in: int | None
    rows_out: int | None
    progress: JobProgress | None
    """How far the latest attempt is, or was when it ended; None while the job waits."""
    report: ReportView | None
    """Of the latest attempt; None unless that has succeeded or failed."""
    problems: tuple[ProblemView, ...]
    """The first that are wrong with the file."""
    problem_count: int | None
    """How many there are in all; None if that is not known."""
    attempts: tuple[AttemptView, ...]
    aggregation: Mapping[str, Any] | None = None
    """What was asked for, as JSON that can be sent again; None if the server does not tell."""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> JobView:
        """Read the JSON of `GET /api/v1/jobs/{id}`; what a newer server adds is ignored."""
        result = answer["result"] or {}
        progress = answer.get("progress")  # older servers do not tell
        return cls(
            **{
                name: answer[name]
                for name in (
                    "id", "state", "attempt", "max_attempts", "created_at", "finished_at",
                    "reason", "filename", "input_size",
                )
            },
            aggregation=answer.get("aggregation"),
            result_size=result.get("size"),
            result_sha256=result.get("sha256"),
            rows_in=result.get("rows_in"),
            rows_out=result.get("rows_out"),
            progress=JobProgress.of(progress) if progress else None,
            # Servers of before the report have none of these.
            report=ReportView.of(report) if (report := answer.get("report")) else None,
            problems=tuple(map(ProblemView.of, answer.get("problems", ()))),
            problem_count=answer.get("problem_count"),
            attempts=tuple(
                AttemptView(**{name: attempt[name] for name in AttemptView.__slots__})
                for attempt in answer["attempts"]
            ),
        )  # fmt: skip
