"""The files of one blob. Everything here blocks; call it in a thread.

    meta.json     what the creator declared; replaced once if the size is declared later
    partial.<g>   the bytes while some are missing: a sparse file, written at their offsets. <g> is
                  the generation, which grows when a digest does not match and all bytes are
                  discarded
    journal       the ranges of generation <g> that are received; removed after completion
    data          the bytes of a complete blob: `partial.<g>` renamed. Its modification time is
                  the time of completion

Every change of state is one atomic step, so that a crash leaves the state before or after it:

    create, delete      rename the folder (`atomic_folders`)
    record a range      append a record with a checksum to the journal, after the data is synced
    complete            rename `partial.<g>` to `data`, after the data is synced
    discard all bytes   count that in `meta.json`, then replace the journal by an empty one of the
                        next generation
    declare the size    replace `meta.json`, after the data file has its size

Each step is synced before the method returns. Files are opened relative to a descriptor of the
folder, so that an old folder never reaches a blob that was deleted and created again.
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
from storage.filesystem.meta import MAX_SIZE, META, encode_meta, read_meta
from storage.filesystem.writeback import begin_writeback

if TYPE_CHECKING:
    from storage.filesystem.meta import Meta

PARTIAL = "partial."
"""What the name of the data file of an incomplete blob begins with."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """What a folder says of its blob when it is loaded."""

    generation: int
    received: RangeSet
    records: int
    """Records in the journal."""
    completed_at: float | None = None
    """Unix seconds; None if the blob is not complete."""


class BlobFolder:
    """The folder of an existing blob, open until `close`.

    With `fsync`, the effect of a method is on stable storage when it returns.
    """

    def __init__(self, fd: int, meta: Meta, *, fsync: bool) -> None:
        self.meta = meta
        self._fd = fd
        self._fsync = fsync

    @classmethod
    def open(cls, path: Path, *, fsync: bool) -> BlobFolder:
        """Open the folder at `path`.

        Raises FileNotFoundError if there is none, StorageUnavailable if `meta.json` is damaged.
        """
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            meta = read_meta(fd, path)
        except BaseException:
            os.close(fd)
            raise
        return cls(fd, meta, fsync=fsync)

    def close(self) -> None:
        """Close the descriptor of the folder."""
        os.close(self._fd)

    def load(self) -> State:
        """Read the state from disk, and finish or undo a step that a crash interrupted.

        Ranges of damaged journal records count as not received; if the header is damaged, all
        bytes are discarded. Raises StorageUnavailable if the data file does not have the size of
        the blob: it was changed by others, and no range can be trusted.
        """
        self._sync_folder()
        size = self.meta.size
        if size is not None and self._exists(DATA):
            return self._load_complete(size)
        content = self._read(journal.JOURNAL)
        known = journal.parse(content, MAX_SIZE if size is None else size)
        if known is None:
            log.error("blob %s: its journal is damaged; all bytes are discarded", self.meta.key)
            generation = 1 + max(self._generations(), default=-1)
            self.reset(generation)
            return State(generation, RangeSet(), 0)
        if known.damaged:
            log.error(
                "blob %s: %d of %d records of its journal are damaged; their ranges count as "
                "not received",
                self.meta.key,
                known.damaged,
                known.records,
            )
            self._count_discard()
        self._check_size(_partial(known.generation), known.received)
        if size is not None and known.received.covers(0, size):
            if not self.meta.size_came_later:
                raise StorageUnavailable(
                    f"blob {self.meta.key}: the journal is complete, the data is not"
                )
            # The crash was between declaring the size and completing.
            self.complete(known.generation, time.time())
            return self._load_complete(size)
        self.truncate_journal(known.records)
        self._remove_all_but(_partial(known.generation))
        return State(known.generation, known.received, known.records)

    def open_partial(self, generation: int) -> int:
        """Open the data file of an incomplete blob for writing; return its descriptor."""
        return os.open(_partial(generation), os.O_RDWR | os.O_CLOEXEC, dir_fd=self._fd)

    def open_data(self, generation: int) -> int:
        """Open the data file for reading, complete or not; return its descriptor."""
        # The blob may be completed between the two calls. `data` is the final name.
        try:
            return os.open(_partial(generation), os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._fd)
        except FileNotFoundError:
            return os.open(DATA, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._fd)

    def touch(self, now: float) -> None:
        """Set the time of the last use (Unix seconds). Not synced: nothing depends on it."""
        os.utime(self._fd, (now, now))

    def sync(self, fd: int) -> None:
        """Put the bytes written to `fd` on stable storage (fdatasync)."""
        if self._fsync:
            os.fdatasync(fd)

    def begin_sync(self, fd: int, start: int, size: int) -> None:
        """Begin to write these bytes of `fd` to the disk, so that `sync` takes less time."""
        if self._fsync:
            begin_writeback(fd, start, size)

    def append_record(self, generation: int, index: int, start: int, stop: int) -> None:
        """Write journal record number `index`: the bytes `start..stop` are on stable storage.

        The caller must have synced the data file.
        """
        fd = self._open_journal()
        try:
            record = journal.record(generation, index, start, stop)
            write_all(fd, record, offset=journal.position(index))
            self.sync(fd)
        finally:
            os.close(fd)

    def truncate_data(self, generation: int, size: int) -> int:
        """Give the data file of an incomplete blob its final size; return its descriptor."""
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
        """Store the size in `meta.json`. The data file must have it already."""
        meta = replace(self.meta, size=size, size_came_later=True)
        self._replace(META, encode_meta(meta))
        self.meta = meta

    def truncate_journal(self, records: int) -> None:
        """Remove every record from number `records` on."""
        fd = self._open_journal()
        try:
            os.ftruncate(fd, journal.position(records))
            self.sync(fd)
        finally:
            os.close(fd)

    def complete(self, generation: int, now: float) -> float:
        """Rename the data file to its final name. Its bytes must be synced and verified.

        Returns `now` (Unix seconds) with the precision of the file system, as `load` returns it.
        """
        # Set before the rename, as a complete blob never changes. After a power loss the time of
        # the last write may remain instead.
        os.utime(_partial(generation), (now, now), dir_fd=self._fd)
        completed_at = self._modified(_partial(generation))
        os.rename(_partial(generation), DATA, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        self._sync_folder()
        os.unlink(journal.JOURNAL, dir_fd=self._fd)
        return completed_at

    def reset(self, generation: int) -> None:
        """Discard all bytes and begin `generation`. Readers keep the file they have open."""
        self._count_discard()
        self._create_sparse(_partial(generation))
        self._replace(journal.JOURNAL, journal.header(generation))
        self._remove_all_but(_partial(generation))

    def _count_discard(self) -> None:
        """Count in `meta.json` that bytes are no longer those of before, before that is so."""
        meta = replace(self.meta, discards=self.meta.discards + 1)
        self._replace(META, encode_meta(meta))
        self.meta = meta

    def initialize(self) -> None:
        """Write the files of a new blob into an empty folder."""
        self._write(META, encode_meta(self.meta))
        if self.meta.size == 0:
            self._create_sparse(DATA)
        else:
            self._create_sparse(_partial(0))
            self._write(journal.JOURNAL, journal.header(0))
        self._sync_folder()

    def write_meta(self) -> None:
        """Write `meta.json` into a new folder that has its data already."""
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
        # Without a declared size, the file ends after the last byte ever written.
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
    return f"{PARTIAL}{generation}"
