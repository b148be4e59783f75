"""Wake-ups, the messages to processors. They carry the id of a job and no state."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from uuid import UUID

from shared.errors import InvalidInput
from shared.jobs.engine_choice import EngineChoice

if TYPE_CHECKING:
    from shared.jobs.job import Job

VERSION = 1
SMALL = 4 << 20
"""Bytes of the largest input of a small job. Plain text of this size takes tens of milliseconds,
and a compressed file seconds at most."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """Asks the processor that receives it to claim this job."""

    job_id: UUID
    small: bool = False
    """Whether the job is small, so that it need not wait behind the others."""

    @classmethod
    def of(cls, job: Job) -> Self:
        """Return the wake-up of a job."""
        return cls(job.id, job.small)

    def encode(self) -> bytes:
        """Return the message body: JSON with a version, for old and new processes side by side."""
        fields = {"version": VERSION, "job_id": str(self.job_id)}
        return json.dumps({**fields, "small": True} if self.small else fields).encode()

    @classmethod
    def decode(cls, body: bytes) -> WakeUp:
        """Return the wake-up in a message body. Raises InvalidInput if there is none."""
        try:
            fields = json.loads(body)
            version, job_id = fields["version"], UUID(fields["job_id"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidInput(f"not a wake-up message: {body[:200]!r}") from error
        if version != VERSION:
            raise InvalidInput(f"wake-up version {version!r} is not {VERSION}", field="version")
        return cls(job_id, small=fields.get("small") is True)


def is_small(input_size: int, engine: EngineChoice) -> bool:
    """Whether a job with an input of so many bytes is small. Small jobs run on no cluster."""
    return input_size <= SMALL and engine is not EngineChoice.SPARK
