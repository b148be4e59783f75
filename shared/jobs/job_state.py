"""The states of jobs and the outcomes of attempts, which clients know too."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """The states of a job (docs/job_states.md), named as Celery's."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    RETRY = "RETRY"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REVOKED = "REVOKED"

    @property
    def terminal(self) -> bool:
        """Whether the job has ended. Only an operator's retry leads out of a terminal state."""
        return self in (JobState.SUCCESS, JobState.FAILURE, JobState.REVOKED)


TERMINAL_STATES = frozenset(state for state in JobState if state.terminal)


class AttemptOutcome(StrEnum):
    """How an attempt ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    LOST = "lost"
    """Its worker stopped renewing the lease."""
    RELEASED = "released"
    """Its worker gave the job back; the attempt does not count."""
    REVOKED = "revoked"
    """The job was cancelled."""
