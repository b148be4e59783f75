"""What the server tells of a job while it goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csvmill.client.event_parser import ServerSentEvent


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far the latest attempt at a job has come."""

    bytes_done: int
    """Bytes of the input that have been read; fewer again with a new attempt, or where the engine
    has to read it anew."""
    bytes_total: int
    rows_done: int | None
    """Without the header; None where that is not known."""
    percent: float
    """Of the bytes. When all have been read, the result has still to be written."""
    eta: float | None
    """Seconds until all bytes will have been read; None while that is not known."""
    rows_estimated: bool = False
    """Whether `rows_done` is an estimate."""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Read the JSON; what a newer server adds is ignored. An older one estimates nothing."""
        told = {"rows_estimated": False, **answer}
        return cls(**{name: told[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A change of a job, or how it stood when it began to be followed."""

    id: str
    """What the server knows the event by: attempt, state, and bytes done."""
    job_id: str
    state: str
    attempt: int
    progress: JobProgress
    reason: str | None
    """Why the latest attempt did not succeed."""

    @classmethod
    def of(cls, event: ServerSentEvent) -> Self:
        """Read an event of `GET /api/v1/jobs/{id}/events`. Raises ValueError if it is none."""
        try:
            data = json.loads(event.data)
            return cls(
                event.id,
                data["id"],
                data["state"],
                data["attempt"],
                JobProgress.of(data),
                data["reason"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"no event of a job: {event.data[:200]!r}") from error
