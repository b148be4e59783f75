"""An event of a job that is followed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shared.api.job import JobEventDataView, ProgressView

if TYPE_CHECKING:
    from csvmill.client.event_parser import ServerSentEvent


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A change of a job, or its state when following began."""

    id: str
    """The id of the event: attempt, state and bytes done."""
    job_id: str
    state: str
    attempt: int
    progress: ProgressView
    reason: str | None
    """Why the latest attempt did not succeed."""

    @classmethod
    def of(cls, event: ServerSentEvent) -> Self:
        """Read an event of `GET /api/v1/jobs/{id}/events`. Raises ValueError if it is malformed."""
        try:
            data = JobEventDataView.of(json.loads(event.data))
        except ValueError as error:
            raise ValueError(f"not an event of a job: {event.data[:200]!r}") from error
        return cls(
            event.id,
            data.id,
            data.state,
            data.attempt,
            ProgressView.from_value(data),
            data.reason,
        )
