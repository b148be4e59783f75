"""What a run is told to do, whom it tells how far it is, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from csvmill.client import JobView, Progress, ResultView


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done."""

    input: Path | None
    """None is standard input."""
    output: Path
    server: str | None
    """None starts a service for the run."""
    aggregation: dict[str, Any] | None = None
    """What to compute, as JSON; None is what the server does is_default."""
    restart: bool = False
    """Whether to forget what was begun."""
    chunk_size: int = 8 << 20
    parallel: int = 4
    rejects: Path | None = None
    """Where the records go that the job left out, if they are wanted."""
    retry_for: float = 600.0
    """Seconds for which a server may be away."""


class Audience(Protocol):
    """Whom a run tells how far it is."""

    def note(self, text: str) -> None:
        """Something happened that people may want to know."""

    def uploading(self, progress: Progress) -> None:
        """Bytes are on their way up."""

    def working(self, job: JobView) -> None:
        """The job is being worked on, or waits."""

    def downloading(self, progress: Progress) -> None:
        """Bytes are on their way down."""


@dataclass(slots=True)
class Outcome:
    """What a run has come to."""

    job: JobView
    result: ResultView
    uploaded_bytes: int
    """Those that this process has sent, and that were acknowledged."""
    downloaded_bytes: int
    seconds: dict[str, float]
    """Of `upload`, `job` and `download`, in this process."""
