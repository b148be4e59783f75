"""A model of a job in plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from shared.jobs.job import Job, JobState

UNPUBLISHED_FOR = 20.0
LOST_AFTER = 60.0


@dataclass
class ModelJob:
    """The expected job: its record, the outcome of each attempt, and the counted failures."""

    job: Job
    outcomes: list[str | None] = field(default_factory=list)
    failures: int = 0
    retries: int = 0
    exhausted: bool = False
    """Whether the latest failure used up the attempts and was not final by itself."""

    @property
    def needs_dead_letter(self) -> bool:
        return self.job.state is JobState.FAILURE and self.exhausted

    def change(self, **changes: Any) -> None:
        self.job = replace(self.job, **changes)

    def is_running(self, attempt: int) -> bool:
        return self.job.state is JobState.STARTED and self.job.attempt == attempt

    def lease_ran_out(self, now: float) -> bool:
        return self.job.lease_until is not None and self.job.lease_until < now

    def is_delayed(self, now: float) -> bool:
        return self.job.retry_at is not None and now < self.job.retry_at

    def end(self, outcome: str, state: JobState, now: float, reason: str | None) -> None:
        if self.job.state is JobState.STARTED:
            self.outcomes[-1] = outcome
        self.change(
            state=state,
            lease_until=None,
            retry_at=None,
            finished_at=now if state.terminal else None,
            reason=reason,
            dead_letter_due_at=None,
            dead_lettered_at=None,
        )

    def end_failed(self, outcome: str, *, final: bool, now: float, reason: str) -> None:
        self.failures += 1
        exhausted = final or self.failures == self.job.max_attempts
        self.end(outcome, JobState.FAILURE if exhausted else JobState.RETRY, now, reason)
        self.exhausted = exhausted and not final
        if self.exhausted:
            self.change(dead_letter_due_at=now)

    def is_overdue(self, now: float) -> bool:
        job = self.job
        if job.published_at is not None and now - job.published_at >= LOST_AFTER:
            if job.state is JobState.STARTED:
                return self.lease_ran_out(now)
            return not job.state.terminal and not self.is_delayed(now)
        if job.state in (JobState.PENDING, JobState.RETRY):
            due = now - job.created_at >= UNPUBLISHED_FOR and not self.is_delayed(now)
            return job.published_at is None and due
        if not self.lease_ran_out(now):
            return False
        assert job.lease_until is not None
        return job.published_at is None or job.published_at < job.lease_until
