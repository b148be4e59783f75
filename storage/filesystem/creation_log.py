"""The log of small blobs that were created whole: one sync makes several of them durable.

A folder of a blob takes four syncs to be durable: of its two files, of itself and of its parent. So
a small blob that has all its bytes is written to this log first, with one sync, which all have in
common that arrive meanwhile. Its folder is created afterwards, without one. When the first of two
segments is full, the other is used, while one sync of the whole file system makes the folders of
the first durable; then it can be used again.

After a crash, every blob of the log whose folder is missing or damaged is created again. So that no
blob comes back that was removed, its removal is recorded too, until its folder is durable.
"""

from __future__ import annotations

import ctypes
import logging
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.blobs.blob import BlobKey
from shared.blobs.layout import DATA, blob_folder
from shared.errors import StorageUnavailable
from storage.filesystem.atomic_folders import build_whole_folder, publish_folder
from storage.filesystem.log_segment import Record, Segment
from storage.filesystem.meta import META

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAMES = (".log-1", ".log-2")
"""The files of the log, in the folder of the blobs. Keys have no dots."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Entry:
    """A record that a thread waits for."""

    record: Record
    done: bool = False
    generation: int | None = None
    """That of the segment with the record; None if there was no room."""
    failure: OSError | None = None


class CreationLog:
    """The log in the folder `root`. Threads call it at the same time; everything here blocks.

    `staging` returns a new path at which to build a folder. A blob is added and removed by one
    caller at a time.
    """

    def __init__(self, root: Path, staging: Callable[[], Path]) -> None:
        self._root = root
        self._staging = staging
        self._changed = threading.Condition()
        self._queued: list[_Entry] = []
        self._writing = False
        self._live: dict[str, int] = {}
        """The blobs whose folders may not be durable, with the generation of their segment."""
        self._unsettled: list[int] = []
        """The generation of each blob whose folder is being created."""
        self._refused = False
        """Whether no blob is added until the next start, as folders could not be made durable."""
        self._segments: list[Segment] = []
        """The current one is the last."""
        self._cleaned: Segment | None = None
        """The segment that a thread frees."""
        self._root_fd = -1
        self._cleaner = ThreadPoolExecutor(1, thread_name_prefix="creation-log")

    def open(self) -> None:
        """Create again what a crash has damaged. Raises OSError if the files cannot be opened."""
        self._root_fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        segments = [Segment(self._root / name) for name in NAMES]
        os.fsync(self._root_fd)  # a record is not durable before the name of its file is
        self._segments = sorted(segments, key=lambda segment: segment.generation)
        places: dict[str, tuple[Segment, int]] = {}
        for segment in self._segments:
            for position, record in segment.records():
                if record.meta:
                    places[record.key] = (segment, position)
                    self._live[record.key] = segment.generation
                else:
                    places.pop(record.key, None)
                    self._live.pop(record.key, None)
        try:
            for segment, position in places.values():
                record_again = segment.read(position)
                if record_again is not None:
                    self._restore(record_again)
            self._end_all()
        except (OSError, StorageUnavailable):
            # Storage starts without it, as on a full disk, where blobs can be read and removed.
            log.exception("not every blob of the log could be created again; the log is kept")
            self._refused = True

    def close(self) -> None:
        """Make all folders durable, so that the next start finds an empty log."""
        self._cleaner.shutdown()
        if self._root_fd < 0:
            return
        try:
            if not self._refused:
                self._end_all()
        except OSError:
            log.exception("the log of new blobs is kept for the next start")
        for segment in self._segments:
            segment.close()
        self._segments = []
        os.close(self._root_fd)
        self._root_fd = -1

    @contextmanager
    def adding(self, record: Record) -> Iterator[bool]:
        """Write a blob to the log, and then create its folder in the context.

        Yields False if there is no room in the log: then the folder has to be made durable. If
        creating it fails, the blob is removed from the log. Raises OSError.
        """
        generation = self._append(record)
        try:
            yield generation is not None
        except BaseException:
            self.remove(record.key)
            raise
        finally:
            if generation is not None:
                with self._changed:
                    self._unsettled.remove(generation)
                    self._changed.notify_all()

    def remove(self, key: str) -> None:
        """Record that a blob is removed, before its folder is.

        Raises OSError, and StorageUnavailable if there is no room.
        """
        if key in self._live and self._append(Record(key)) is None and key in self._live:
            raise StorageUnavailable(f"blob {key} cannot be removed: the log of blobs is full")

    def _append(self, record: Record) -> int | None:
        """Write a record durably, with others. Returns the generation of its segment.

        Returns None if there is no room.
        """
        entry = _Entry(record)
        with self._changed:
            self._queued.append(entry)
            while not entry.done:
                if self._writing:
                    self._changed.wait()
                    continue
                batch, self._queued = self._queued, []
                self._writing = True
                self._changed.release()
                try:
                    self._write(batch)
                finally:
                    self._changed.acquire()
                    self._writing = False
                    for each in batch:
                        each.done = True
                        self._note(each)
                    self._changed.notify_all()
            if entry.failure is not None:
                raise entry.failure
            return entry.generation

    def _note(self, entry: _Entry) -> None:
        """Keep in mind what was written. Call it with the condition held."""
        if entry.generation is None:
            return
        if entry.record.meta:
            self._live[entry.record.key] = entry.generation
            self._unsettled.append(entry.generation)
        else:
            self._live.pop(entry.record.key, None)

    def _write(self, batch: list[_Entry]) -> None:
        """Write the records that fit, durably. One thread at a time."""
        size, accepted = 0, []
        for entry in batch:
            if entry.record.meta and not self._ready(entry.record, size):
                continue
            if self._segments[-1].fits(entry.record, waiting=size):
                accepted.append(entry)
                size += entry.record.size
        if not accepted:
            return
        segment = self._segments[-1]
        try:
            segment.append([entry.record for entry in accepted])
        except OSError as error:
            for entry in accepted:
                entry.failure = error
        else:
            for entry in accepted:
                entry.generation = segment.generation

    def _ready(self, record: Record, waiting: int) -> bool:
        """Whether the current segment takes blobs. Begins the next one if it is full."""
        current, other = self._segments[-1], self._segments[0]
        if self._refused:
            return False
        if current.in_use and (waiting or current.fits(record, waiting=0)):
            return True
        if other is self._cleaned:
            return False
        generation = max(current.generation + 1, other.generation + 1, time.time_ns())
        try:
            other.begin(generation)
        except OSError as error:  # as on a full disk
            log.warning("the log of new blobs is not used: %s", error)
            return False
        self._cleaned = current
        self._cleaner.submit(self._clean, current)
        self._segments.reverse()
        return True

    def _clean(self, segment: Segment) -> None:
        if self._free(segment):
            self._cleaned = None

    def _free(self, segment: Segment) -> bool:
        """Make the folders of a full segment durable; return whether it can be used again."""
        if not segment.in_use:
            return True
        generation = segment.generation
        with self._changed:
            while generation in self._unsettled:
                self._changed.wait()
        try:
            self._sync()
            segment.end()
        except OSError:
            log.exception("the folders of new blobs could not be made durable")
            self._refused = True
            return False
        with self._changed:
            live = self._live.items()
            self._live = {key: number for key, number in live if number != generation}
        return True

    def _end_all(self) -> None:
        """Make all folders durable, and forget all records. Raises OSError."""
        if any(segment.in_use for segment in self._segments):
            self._sync()
        for segment in self._segments:  # removals are in later segments than what they remove
            if segment.in_use:
                segment.end()
        self._live.clear()

    def _sync(self) -> None:
        """Put everything on stable storage that was written to the file system (syncfs(2))."""
        try:
            sync = _LIBC.syncfs
        except AttributeError:
            os.sync()
            return
        if sync(self._root_fd):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    def _restore(self, record: Record) -> None:
        """Create the folder of a blob again, unless it is as it was."""
        path = blob_folder(self._root, BlobKey(record.key))
        if _content(path / META) == record.meta and _content(path / DATA) == record.data:
            return
        log.warning("blob %s is created again from the log", record.key)
        if path.exists():
            shutil.rmtree(path)
        staging = self._staging()
        build_whole_folder(staging, record, fsync=True)
        publish_folder(path, staging, fsync=True)


_LIBC = ctypes.CDLL(None, use_errno=True)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
