"""What a run leaves beside its output while it is not done. Everything here blocks."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from csvmill.client import ClientError
from csvmill.run.fingerprint import Fingerprint
from shared.runtime.files import lock_file, replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

VERSION = 1
LOCK_WAIT = 15.0
"""Seconds to wait for a run before this one: its service may take a moment to end."""
LOCK_PAUSE = 0.05
"""Seconds between two looks at whether it has ended."""


class RunBusy(ClientError):
    """Another run is at work on the same output."""


class RunDiffers(ClientError):
    """What was begun is not what was asked for now; the message says how to go on."""


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run has come. Bytes that are on their way are known elsewhere."""

    server: str | None
    """None for a service of the run's own."""
    input: Fingerprint
    key: str
    """The upload's Idempotency-Key."""
    job_id: str | None = None
    """Once the upload is complete."""
    failed: bool = False
    """Whether the job ended without a result."""
    aggregation: dict[str, Any] | None = None
    """What is computed, as JSON; None is what the server does is_default."""

    @classmethod
    def begin(
        cls, server: str | None, file: Fingerprint, aggregation: dict[str, Any] | None = None
    ) -> RunState:
        """A run of which nothing is done yet."""
        return cls(server, file, key=str(uuid4()), aggregation=aggregation)

    def again(self) -> RunState:
        """The same, with nothing done."""
        return replace(self, key=str(uuid4()), job_id=None, failed=False)


class RunFolder:
    """The folder of one run: `totals.csv.csvmill` beside `totals.csv`, gone when it is done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.result = path / "result"
        """The part of the result that has arrived."""
        self.rejects = path / "rejects"
        """The part of the rejects that has arrived."""
        self.piped = path / "input.csv"
        """What came through standard input."""
        self.service = path / "service"
        """Data of the run's own service."""
        self.service_log = path / "service.log"
        self.lock_fd = -1
        """Whoever inherits it holds the lock too."""

    @classmethod
    def beside(cls, output: Path) -> RunFolder:
        """That of the run which writes `output`."""
        return cls(output.with_name(f"{output.name}.csvmill"))

    @contextmanager
    def locked(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Make the folder, and keep all others out. `waiting` is called once if somebody is in.

        Raises RunBusy if they are still there after a while.
        """
        deadline = time.monotonic() + LOCK_WAIT
        told = False
        while not self._try_lock():
            if time.monotonic() > deadline:
                raise RunBusy(f"another run is at work in {self.path}; wait for it, or end it")
            if not told:
                waiting()
                told = True
            time.sleep(LOCK_PAUSE)
        try:
            yield
        finally:
            os.close(self.lock_fd)
            self.lock_fd = -1

    def load(self) -> RunState | None:
        """The state that was saved last; None if there is none. Raises RunDiffers if unreadable."""
        try:
            fields = json.loads(self._state.read_bytes())
            if fields.pop("version") == VERSION:
                return RunState(**{**fields, "input": Fingerprint(**fields["input"])})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            pass  # as unreadable as another version's
        raise RunDiffers(
            f"{self._state} is not of this version of csvmill; "
            "begin anew with --restart, or remove the folder"
        )

    def save(self, state: RunState) -> None:
        """Make `state` what the next run finds, even after a loss of power."""
        content = json.dumps({"version": VERSION, **asdict(state)}, indent=2)
        replace_file(self._state, content.encode(), durable=True)

    def clear(self) -> None:
        """Remove what was there of a run, but not the folder."""
        for entry in self.path.iterdir():
            if entry.name != "lock":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def remove(self) -> None:
        """Remove all, once nothing of it is needed."""
        # In one step: whoever comes now makes a folder of its own, and puts no lock into this one.
        removed = self.path.with_name(f"{self.path.name}.{uuid4().hex}")
        self.path.rename(removed)
        shutil.rmtree(removed)

    @property
    def _state(self) -> Path:
        return self.path / "run.json"

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
            return False  # somebody has just removed the folder
        try:
            # It may have been removed, as done, between opening and locking.
            if os.path.samestat(os.fstat(fd), lock.stat()):
                self.lock_fd = fd
                return True
        except FileNotFoundError:
            pass
        os.close(fd)
        return False
