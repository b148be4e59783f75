"""Wake-ups, the messages to processors. They carry the id of a job and no state."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID

from shared.errors import InvalidInput

VERSION = 1


@dataclass(frozen=True, slots=True)
class WakeUp:
    """Asks the processor that receives it to claim this job."""

    job_id: UUID

    def encode(self) -> bytes:
        """Return the message body: JSON with a version, for old and new processes side by side."""
        return json.dumps({"version": VERSION, "job_id": str(self.job_id)}).encode()

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
        return cls(job_id)
