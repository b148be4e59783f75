"""A file that is being downloaded: its bytes so far, and a record of the received ranges."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from shared.blobs.byte_ranges import RangeSet
from shared.runtime.files import move_file, replace_file, write_all
from shared.runtime.positions import OPEN_FLAGS

if TYPE_CHECKING:
    from pathlib import Path

    from csvmill.client.result_view import ResultView


class PartialFile:
    """The file at `path`, and its record at `path` + `.json`. All methods block.

    Bytes are written before they are recorded. A loss of power can break that order; the digest
    then does not match.
    """

    def __init__(self, path: Path, view: ResultView) -> None:
        """Continue an existing partial file if it belongs to the same content, else start over."""
        self._path = path
        self._record_path = record_path(path)
        self._view = view
        self._received = self._read_record()
        flags = os.O_RDWR | os.O_CREAT | OPEN_FLAGS | (0 if self._received else os.O_TRUNC)
        self._fd = os.open(path, flags, 0o666)
        self._recording = threading.Lock()
        self._recorded: RangeSet | None = None
        self.held = len(self._received)
        """Bytes from an earlier call."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            self.record()
            os.close(self._fd)

    @property
    def missing(self) -> tuple[tuple[int, int], ...]:
        """The missing ranges as `(start, stop)`."""
        gaps = self._received.missing(0, self._view.size)
        return tuple((gap.start, gap.stop) for gap in gaps)

    def write(self, offset: int, data: bytes) -> None:
        """Write bytes at an offset. Safe to call from several threads."""
        write_all(self._fd, data, offset=offset)

    def mark_received(self, start: int, stop: int) -> None:
        """Mark a range as received. `record` saves it."""
        self._received = self._received.add(start, stop)

    def record(self) -> None:
        """Save the received ranges, so that another process can continue."""
        with self._recording:
            received = self._received
            if received is self._recorded or self._fd < 0:
                return
            state = {
                "size": self._view.size,
                "etag": self._view.etag,
                "received": [(held.start, held.stop) for held in received],
            }
            replace_file(self._record_path, json.dumps(state).encode(), durable=False)
            self._recorded = received

    def matches(self) -> bool:
        """Return whether the complete file has the declared digest."""
        with open(self._fd, "rb", closefd=False) as file:
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest() == self._view.sha256

    def discard(self) -> None:
        """Remove all bytes."""
        self._received = RangeSet()
        self.held = 0
        self.record()
        os.ftruncate(self._fd, 0)

    def commit(self, target: Path) -> None:
        """Move the complete file to `target` durably and atomically, and remove the record."""
        os.fsync(self._fd)
        with self._recording:
            os.close(self._fd)
            self._fd = -1
        move_file(self._path, target)
        self._record_path.unlink(missing_ok=True)

    def _read_record(self) -> RangeSet:
        with suppress(OSError, ValueError, KeyError, TypeError):
            state = json.loads(self._record_path.read_bytes())
            recorded = (state["size"], state["etag"])
            if recorded == (self._view.size, self._view.etag):
                received = RangeSet.of((start, stop) for start, stop in state["received"])
                # A file shorter than its record has lost bytes.
                return received if self._path.stat().st_size >= _end(received) else RangeSet()
        return RangeSet()


def record_path(partial: Path) -> Path:
    """Return the path of the record of a partial file."""
    return partial.with_name(partial.name + ".json")


def _end(received: RangeSet) -> int:
    return received.ranges[-1].stop if received.ranges else 0
