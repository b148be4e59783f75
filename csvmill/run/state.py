"""The folder of an unfinished run, beside its output. Everything here blocks."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from csvmill.client.server_url import without_credentials
from csvmill.run.errors import RunBusy, RunDiffers
from csvmill.run.fingerprint import Fingerprint
from shared.runtime.files import lock_file, replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

VERSION = 1
LOCK_TIMEOUT = 15.0
"""Seconds to wait for an earlier run, whose service may still be stopping."""
LOCK_INTERVAL = 0.05
"""Seconds between attempts to take the lock."""


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run has come. The server and the partial download know about single bytes."""

    server: str | None
    """None if the run has a service of its own."""
    input: Fingerprint
    key: str
    """The Idempotency-Key of the upload."""
    job_id: str | None = None
    """Set once the upload is complete."""
    failed: bool = False
    """Whether the job ended without a result."""
    aggregation: dict[str, Any] | None = None
    """The spec, as JSON; None for the server's default."""
    files: int = 0
    """The files that are stored without a job of their own, which is asked of all."""
    boot: str | None = None
    """The boot of the machine in which the run's own service has kept bytes without a sync of the
    disk; None if all that it has kept survives a crash of the machine."""

    @classmethod
    def begin(
        cls,
        server: str | None,
        file: Fingerprint,
        aggregation: dict[str, Any] | None = None,
        *,
        files: int = 0,
        boot: str | None = None,
    ) -> RunState:
        """Return the state of a new run."""
        return cls(server, file, key=str(uuid4()), aggregation=aggregation, files=files, boot=boot)

    def restarted(self) -> RunState:
        """Return the state of a new run with the same input, server and spec."""
        return replace(self, key=str(uuid4()), job_id=None, failed=False)


class RunFolder:
    """The folder of one run: `totals.csv.csvmill` for `totals.csv`, removed when it is done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.result = path / "result"
        """The partial result."""
        self.rejects = path / "rejects"
        """The partial rejects."""
        self.piped = path / "input.csv"
        """A copy of standard input."""
        self.service = path / "service"
        """Data of the run's own service."""
        self.scratch = path / "scratch"
        """Where a small file is aggregated without a service."""
        self.service_log = path / "service.log"
        self.lock_fd = -1
        """The descriptor of the lock. A process that inherits it holds the lock too."""

    @classmethod
    def beside(cls, output: Path) -> RunFolder:
        """Return the folder of the run that writes `output`."""
        return cls(output.with_name(f"{output.name}.csvmill"))

    @contextmanager
    def locked(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Create the folder and hold its lock.

        `waiting` is called once if another run has the lock. Raises RunBusy if it still has it
        after LOCK_TIMEOUT seconds.
        """
        deadline = time.monotonic() + LOCK_TIMEOUT
        notified = False
        while not self._try_lock():
            if time.monotonic() > deadline:
                raise RunBusy(f"another run is using {self.path}; wait for it, or stop it")
            if not notified:
                waiting()
                notified = True
            time.sleep(LOCK_INTERVAL)
        try:
            yield
        finally:
            self._unlock()

    def load(self) -> RunState | None:
        """Return the saved state, or None if there is none. Raises RunDiffers if unreadable."""
        try:
            fields = json.loads(self._state.read_bytes())
            if fields.pop("version") == VERSION:
                if fields["server"] is not None:  # earlier versions wrote passwords
                    fields["server"] = without_credentials(fields["server"])
                return RunState(**{**fields, "input": Fingerprint(**fields["input"])})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            pass  # treated like the state of another version
        raise RunDiffers(
            f"{self._state} was not written by this version of csvmill; "
            "start over with --restart, or remove the folder"
        )

    def save(self, state: RunState) -> None:
        """Save the state durably."""
        content = json.dumps({"version": VERSION, **asdict(state)}, indent=2)
        replace_file(self._state, content.encode(), durable=True)

    def clear(self) -> None:
        """Remove everything in the folder except the lock."""
        for entry in self.path.iterdir():
            if entry.name != "lock":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def clear_service(self) -> None:
        """Remove the data of the run's own service, and what was received from it."""
        shutil.rmtree(self.service, ignore_errors=True)
        for path in (self.result, self.rejects):
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink()

    def remove(self) -> None:
        """Remove the folder."""
        # Renamed first, so that a run that starts now makes a new folder with a lock of its own.
        if sys.platform == "win32":  # where a folder with an open file cannot be renamed
            self._unlock()
        removed = self.path.with_name(f"{self.path.name}.{uuid4().hex}")
        self.path.rename(removed)
        shutil.rmtree(removed)

    @property
    def _state(self) -> Path:
        return self.path / "run.json"

    def _unlock(self) -> None:
        if self.lock_fd >= 0:
            os.close(self.lock_fd)
            self.lock_fd = -1

    def _try_lock(self) -> bool:
        lock = self.path / "lock"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            fd = lock_file(lock)
        except BlockingIOError:
            return False
        except (FileExistsError, FileNotFoundError):
            if self.path.is_file():
                raise
            return False  # another run has just removed the folder
        try:
            # The run before may have removed the file between opening and locking.
            if os.path.samestat(os.fstat(fd), lock.stat()):
                self.lock_fd = fd
                return True
        except FileNotFoundError:
            pass
        os.close(fd)
        return False
