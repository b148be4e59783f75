"""A file that is being downloaded: the bytes so far, and a record of which they are."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from shared.blobs.byte_ranges import RangeSet
from shared.runtime.files import move_file, replace_file, write_all

if TYPE_CHECKING:
    from pathlib import Path

    from csvmill.client.result_view import ResultView


class PartialFile:
    """The file at `path`, and `path` + `.json` beside it. Everything in it blocks.

    A byte is written before it is recorded. After a loss of power that order may not hold, which
    `commit` notices by the digest.
    """

    def __init__(self, path: Path, announced: ResultView) -> None:
        """Continue what is there if it is part of the same whole, else begin anew."""
        self._path = path
        self._record_path = record_path(path)
        self._announced = announced
        self._received = self._read_record()
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (0 if self._received else os.O_TRUNC)
        self._fd = os.open(path, flags, 0o666)
        self._recording = threading.Lock()
        self._recorded: RangeSet | None = None
        self.held = len(self._received)
        """Bytes that were there from the start."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            self.record()
            os.close(self._fd)

    @property
    def missing(self) -> tuple[tuple[int, int], ...]:
        """`(start, stop)` of what has not arrived yet."""
        gaps = self._received.missing(0, self._announced.size)
        return tuple((gap.start, gap.stop) for gap in gaps)

    def write(self, offset: int, data: bytes) -> None:
        """Write bytes at their place; safe to call from several threads."""
        write_all(self._fd, data, offset=offset)

    def written(self, start: int, stop: int) -> None:
        """Note that these bytes are there; `record` makes it last."""
        self._received = self._received.add(start, stop)

    def record(self) -> None:
        """Make what was noted so far outlive this process."""
        with self._recording:
            received = self._received
            if received is self._recorded or self._fd < 0:
                return
            state = {
                "size": self._announced.size,
                "etag": self._announced.etag,
                "received": [(held.start, held.stop) for held in received],
            }
            replace_file(self._record_path, json.dumps(state).encode(), durable=False)
            self._recorded = received

    def matches(self) -> bool:
        """Whether the whole, which has arrived, has the digest that was announced."""
        with open(self._fd, "rb", closefd=False) as file:
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest() == self._announced.sha256

    def discard(self) -> None:
        """Forget every byte."""
        self._received = RangeSet()
        self.held = 0
        self.record()
        os.ftruncate(self._fd, 0)

    def commit(self, target: Path) -> None:
        """Make the whole appear at `target`, durably, in one step; the record goes."""
        os.fsync(self._fd)
        with self._recording:
            os.close(self._fd)
            self._fd = -1
        move_file(self._path, target)
        self._record_path.unlink(missing_ok=True)

    def _read_record(self) -> RangeSet:
        with suppress(OSError, ValueError, KeyError, TypeError):
            state = json.loads(self._record_path.read_bytes())
            known = (state["size"], state["etag"])
            if known == (self._announced.size, self._announced.etag):
                received = RangeSet.of((start, stop) for start, stop in state["received"])
                # Bytes beyond the end of the file were lost, whatever the record says.
                return received if self._path.stat().st_size >= _end(received) else RangeSet()
        return RangeSet()


def record_path(partial: Path) -> Path:
    """Where the record of a partial file stands."""
    return partial.with_name(partial.name + ".json")


def _end(received: RangeSet) -> int:
    return received.ranges[-1].stop if received.ranges else 0
