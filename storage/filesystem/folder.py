"""One blob on disk. Everything here blocks and belongs into a thread.

    meta.json     what the creator declared; replaced once, if the size is declared later
    partial.<g>   the bytes while some are missing, sparse, written at their offsets; <g> is the
                  generation, counted up when a digest does not match and all begins anew
    journal       which ranges of generation <g> are received; gone once the blob is complete
    data          the bytes once all are there: `partial.<g>` under its final name, and modified
                  when the blob was complete

What changes state is one atomic step each, so a crash leaves the state before or after it:
creating and deleting rename the folder, a record counts by its checksum, completing renames the
data file, beginning anew replaces the journal, declaring the size replaces the meta. Files are
reached through a descriptor of the folder: of a blob that was deleted and created again, the old
folder never reaches the new one.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shared.blobs.byte_ranges import RangeSet
from shared.blobs.layout import DATA
from shared.errors import StorageUnavailable
from shared.runtime.files import replace_file, write_all, write_file
from storage.filesystem import journal
from storage.filesystem.meta import META, encode_meta, read_meta

if TYPE_CHECKING:
    from storage.filesystem.meta import Meta

log = logging.getLogger(__name__)

MAX_SIZE = (1 << 63) - 1
"""Bytes; no file system has longer files."""


@dataclass(frozen=True, slots=True)
class State:
    """What is received, as a folder says when it is opened."""

    generation: int
    received: RangeSet
    records: int
    completed_at: float | None = None
    """Unix seconds; None if the blob is not complete."""


class BlobFolder:
    """The folder of a blob that exists, open until `close`.

    With `fsync`, what a method did is on stable storage when it returns.
    """

    def __init__(self, fd: int, meta: Meta, *, fsync: bool) -> None:
        self.meta = meta
        self._fd = fd
        self._fsync = fsync

    @classmethod
    def open(cls, place: Path, *, fsync: bool) -> BlobFolder:
        """Open the folder at `place`.

        Raises FileNotFoundError if there is none, StorageUnavailable if its meta is damaged.
        """
        fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            meta = read_meta(fd, place)
        except BaseException:
            os.close(fd)
            raise
        return cls(fd, meta, fsync=fsync)

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._fd)

    def load(self) -> State:
        """Read what is received, finish or undo what a crash interrupted.

        Raises StorageUnavailable if the data file is not as long as the blob: somebody else has
        been at it, and no range can be believed.
        """
        self._sync_folder()
        size = self.meta.size
        if size is not None and self._exists(DATA):
            return self._load_complete(size)
        content = self._read(journal.JOURNAL)
        known = journal.parse(content, MAX_SIZE if size is None else size)
        if known is None:
            log.error("blob %s: its journal is damaged, nothing counts as received", self.meta.key)
            generation = 1 + max(self._generations(), default=-1)
            self.begin_anew(generation)
            return State(generation, RangeSet(), 0)
        if known.damaged:
            log.error(
                "blob %s: %d of %d records of its journal are damaged; their ranges count as "
                "not received",
                self.meta.key,
                known.damaged,
                known.records,
            )
        self._check_size(_partial(known.generation), known.received)
        if size is not None and known.received.covers(0, size):
            if not self.meta.size_came_later:
                raise StorageUnavailable(
                    f"blob {self.meta.key}: the journal is whole, the data is not"
                )
            # Interrupted between the two steps that follow when the size is declared last.
            self.complete(known.generation, time.time())
            return self._load_complete(size)
        self.truncate_journal(known.records)
        self._remove_all_but(_partial(known.generation))
        return State(known.generation, known.received, known.records)

    def open_partial(self, generation: int) -> int:
        """A descriptor for writing bytes of an incomplete blob."""
        return os.open(_partial(generation), os.O_RDWR | os.O_CLOEXEC, dir_fd=self._fd)

    def open_data(self, generation: int) -> int:
        """A descriptor for reading bytes, whether the blob is complete or not."""
        # A blob may become complete between the two: its file has then left the first name
        # for the second one, which is final.
        try:
            return os.open(_partial(generation), os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._fd)
        except FileNotFoundError:
            return os.open(DATA, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._fd)

    def touch(self, now: float) -> None:
        """Note that the blob is in use. It may be lost with the power, as nothing rests on it."""
        os.utime(self._fd, (now, now))

    def sync(self, fd: int) -> None:
        """Put the bytes written through `fd` on stable storage."""
        if self._fsync:
            os.fdatasync(fd)

    def append_record(self, generation: int, place: int, start: int, stop: int) -> None:
        """Record, as number `place`, a range whose bytes are on stable storage."""
        fd = self._open_journal()
        try:
            record = journal.record(generation, place, start, stop)
            write_all(fd, record, offset=journal.position(place))
            self.sync(fd)
        finally:
            os.close(fd)

    def cut(self, generation: int, size: int) -> int:
        """Give the data of an incomplete blob its final size; its descriptor."""
        fd = self.open_partial(generation)
        try:
            os.ftruncate(fd, size)
            if self._fsync:
                os.fsync(fd)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def declare_size(self, size: int) -> None:
        """Put the size into the meta; the data has it already."""
        meta = replace(self.meta, size=size, size_came_later=True)
        self._replace(META, encode_meta(meta))
        self.meta = meta

    def truncate_journal(self, records: int) -> None:
        """Take back every record from number `records` on."""
        fd = self._open_journal()
        try:
            os.ftruncate(fd, journal.position(records))
            self.sync(fd)
        finally:
            os.close(fd)

    def complete(self, generation: int, now: float) -> float:
        """All bytes are on stable storage and are what they should be: give them their name.

        Returns `now` (Unix seconds) as `load` will say it: as exactly as the file system keeps it.
        """
        # Before it has its name: what is complete never changes. Should it be lost with the power,
        # the time of the last byte stands for it.
        os.utime(_partial(generation), (now, now), dir_fd=self._fd)
        completed_at = self._modified(_partial(generation))
        os.rename(_partial(generation), DATA, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        self._sync_folder()
        os.unlink(journal.JOURNAL, dir_fd=self._fd)
        return completed_at

    def begin_anew(self, generation: int) -> None:
        """Nothing is received any more. Readers keep the file that they have open."""
        self._create_sparse(_partial(generation))
        self._replace(journal.JOURNAL, journal.header(generation))
        self._remove_all_but(_partial(generation))

    def fill(self) -> None:
        """Put into a new, empty folder what a blob begins with."""
        self._write(META, encode_meta(self.meta))
        if self.meta.size == 0:
            self._create_sparse(DATA)
        else:
            self._create_sparse(_partial(0))
            self._write(journal.JOURNAL, journal.header(0))
        self._sync_folder()

    def describe(self) -> None:
        """Put the meta into a new folder that has its data already."""
        self._write(META, encode_meta(self.meta))
        self._sync_folder()

    def _create_sparse(self, name: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        fd = os.open(name, flags, 0o644, dir_fd=self._fd)
        try:
            os.ftruncate(fd, self.meta.size or 0)
            if self._fsync:
                os.fsync(fd)
        finally:
            os.close(fd)

    def _write(self, name: str, content: bytes) -> None:
        write_file(Path(name), content, durable=self._fsync, dir_fd=self._fd)

    def _replace(self, name: str, content: bytes) -> None:
        replace_file(Path(name), content, durable=self._fsync, dir_fd=self._fd)

    def _read(self, name: str) -> bytes:
        try:
            with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=self._fd), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def _open_journal(self) -> int:
        return os.open(journal.JOURNAL, os.O_WRONLY | os.O_CLOEXEC, dir_fd=self._fd)

    def _names(self) -> list[str]:
        with os.scandir(self._fd) as entries:
            return [entry.name for entry in entries]

    def _exists(self, name: str) -> bool:
        return name in self._names()

    def _load_complete(self, size: int) -> State:
        whole = RangeSet.of([(0, size)])
        self._check_size(DATA, whole)
        self._remove_all_but(DATA)
        return State(0, whole, 0, self._modified(DATA))

    def _modified(self, name: str) -> float:
        return os.stat(name, dir_fd=self._fd).st_mtime

    def _check_size(self, name: str, received: RangeSet) -> None:
        try:
            actual = os.stat(name, dir_fd=self._fd).st_size
        except FileNotFoundError:
            actual = -1
        # Without a declared size the file reaches as far as anything was ever written.
        end = max((held.stop for held in received), default=0)
        if actual < end or self.meta.size not in (None, actual):
            raise StorageUnavailable(
                f"blob {self.meta.key}: file {name} has {actual} bytes, not {self.meta.size or end}"
            )

    def _generations(self) -> list[int]:
        prefix = _partial("")
        names = [name for name in self._names() if name.startswith(prefix)]
        return [int(name.removeprefix(prefix)) for name in names]

    def _remove_all_but(self, data: str) -> None:
        kept = {META, data}
        if data != DATA:
            kept.add(journal.JOURNAL)
        for name in self._names():
            if name not in kept:
                os.unlink(name, dir_fd=self._fd)

    def _sync_folder(self) -> None:
        if self._fsync:
            os.fsync(self._fd)


def _partial(generation: int | str) -> str:
    return f"partial.{generation}"
