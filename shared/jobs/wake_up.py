"""What travels over the broker: wake-ups. They carry an id, never the truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID

from shared.errors import InvalidInput

VERSION = 1


@dataclass(frozen=True, slots=True)
class WakeUp:
    """Tells whichever processor receives it to look at this job."""

    job_id: UUID

    def encode(self) -> bytes:
        """The message body: JSON with a version, so that old and new processes can coexist."""
        return json.dumps({"version": VERSION, "job_id": str(self.job_id)}).encode()

    @classmethod
    def decode(cls, body: bytes) -> WakeUp:
        """Read a message body. Raises InvalidInput for anything that is not a wake-up."""
        try:
            fields = json.loads(body)
            version, job_id = fields["version"], UUID(fields["job_id"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidInput(f"not a wake-up message: {body[:200]!r}") from error
        if version != VERSION:
            raise InvalidInput(f"wake-up version {version!r} is not {VERSION}", field="version")
        return cls(job_id)
