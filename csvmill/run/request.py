"""What a run is to do, what it reports meanwhile, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from csvmill.client.server_url import without_credentials

if TYPE_CHECKING:
    from pathlib import Path

    from csvmill.client import JobView, ResultView, TransferProgress


PIPED_NAME = "stdin.csv"
"""The name of standard input."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The input, the output and the options of a run."""

    input: Path | None
    """None reads standard input, unless there are `uploads`."""
    output: Path
    server: str | None
    """None starts a service for this run."""
    aggregation: dict[str, Any] | None = None
    """The spec, as JSON; None for the server's default."""
    restart: bool = False
    """Whether to discard the state of an earlier run."""
    chunk_size: int | None = None
    """Bytes of a chunk; None for the client's default."""
    parallel: int = 4
    """Requests at a time."""
    rejects: Path | None = None
    """Where to write the records that the job rejects; None does not download them."""
    api_key: str | None = field(default=None, repr=False)
    """The key for `server`, if that demands one."""
    more: tuple[Path, ...] = ()
    """Further files, which the job reads after `input`."""
    uploads: tuple[str, ...] = ()
    """Ids or names of uploads on the server, which the job reads after the files."""
    spec_name: str | None = None
    """The name of a spec that the server has saved; None uses `aggregation`."""
    cache: bool = True
    """Whether the result may be one that the server has computed before."""
    keep_going: bool = False
    """Whether to run a job whose first thousands of rows all fail."""
    engine: str | None = None
    """Where the job is computed; None if the settings of the processors say it."""
    retry_for: float = 600.0
    """Seconds to keep retrying while the server is unavailable."""

    @property
    def is_piped(self) -> bool:
        """Whether the input is standard input."""
        return self.input is None and not self.uploads

    @property
    def is_asked(self) -> bool:
        """Whether the job is asked of uploads, and not created by one."""
        of_server = self.server is not None and not self.cache
        return bool(self.more or self.uploads or self.spec_name or of_server)

    @property
    def spec(self) -> dict[str, Any] | None:
        """What is computed: the JSON of a spec, or of the name of one; None for the default."""
        return self.aggregation if self.spec_name is None else {"name": self.spec_name}

    def name_of(self, file: Path) -> str:
        """Return the name of a file in messages, and on the server."""
        return PIPED_NAME if self.is_piped else file.name

    @property
    def shown_server(self) -> str | None:
        """`server` without a password, for messages and files."""
        return None if self.server is None else without_credentials(self.server)


class RunListener(Protocol):
    """Receives the progress of a run."""

    def note(self, text: str) -> None:
        """Receive a message for people."""

    def uploading(self, progress: TransferProgress) -> None:
        """Receive the progress of the upload."""

    def working(self, job: JobView) -> None:
        """Receive the job, whenever it has changed."""

    def downloading(self, progress: TransferProgress) -> None:
        """Receive the progress of the download."""


@dataclass(slots=True)
class RunResult:
    """A completed run."""

    job: JobView
    result: ResultView
    uploaded_bytes: int
    """Bytes that this process sent and the server acknowledged."""
    downloaded_bytes: int
    """Bytes that this process received."""
    seconds: dict[str, float]
    """Duration of `upload`, `job` and `download` in this process."""
