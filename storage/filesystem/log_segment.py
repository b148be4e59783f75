"""A file of the creation log: a header, and records that are appended until it is full.

    header   magic (8 bytes) | generation (u64) | in use (u64: 1 or 0) | CRC-32
    record   generation (u64) | time of completion (f64) | bytes of the key (u32), of the meta file
             (u32) and of the data (u32) | CRC-32 of all that | key | meta file | data

Little-endian. A record without a meta file says that the blob was removed. The file is used again
from its start under a higher generation: so a record of an earlier use is not taken for one of this
use, and the blocks of the file are overwritten in place. That makes the sync of a record cheap, as
the file system has nothing to write but the record: no new size, and nothing of other files.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.runtime.files import write_all
from storage.filesystem.disk import read_exactly

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SEGMENT = 16 << 20
"""Bytes of a full segment."""
RESERVE = 128 << 10
"""Bytes at the end that only removals may use."""

_MAGIC = b"csvmill2"
_HEADER = struct.Struct("<8sQQI")
_FIELDS = struct.Struct("<QdIII")
_CHECKSUM = struct.Struct("<I")
_HEAD = _FIELDS.size + _CHECKSUM.size
_GROWTH = 1 << 20
"""Bytes by which a segment grows at a time, until it is used again: a folder with few small blobs
stays small."""


@dataclass(frozen=True, slots=True)
class Record:
    """A whole blob, or its removal."""

    key: str
    meta: bytes = b""
    """The content of its `meta.json`; nothing if the blob was removed."""
    data: bytes = b""
    completed_at: float = 0.0
    """Unix seconds."""

    @property
    def size(self) -> int:
        """The bytes of the record in a segment."""
        return _HEAD + len(self.key) + len(self.meta) + len(self.data)

    def encode(self, generation: int) -> list[bytes]:
        """Return the buffers of the record, in a segment of this generation."""
        key = self.key.encode("ascii")
        lengths = (len(key), len(self.meta), len(self.data))
        fields = _FIELDS.pack(generation, self.completed_at, *lengths)
        checksum = _checksum(fields, key, self.meta, self.data)
        return [fields + _CHECKSUM.pack(checksum) + key + self.meta, self.data]


class Segment:
    """One file of the log. Everything here blocks, and one thread uses it at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file, and create it if it is missing."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._allocated = os.fstat(self._fd).st_size
        self.generation, self.in_use = self._read_header()
        self.stop = _HEADER.size
        """Where the next record begins."""

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def fits(self, record: Record, *, waiting: int) -> bool:
        """Whether the record fits behind `waiting` bytes of other records."""
        limit = SEGMENT - (RESERVE if record.meta else 0)
        return self.in_use and self.stop + waiting + record.size <= limit

    def begin(self, generation: int) -> None:
        """Use the file from its start. Durable with the first record that is appended."""
        self._write_header(generation, in_use=True)
        self.stop = _HEADER.size

    def append(self, records: Sequence[Record]) -> None:
        """Write records, durably. If that fails, they are not in the segment."""
        buffers = [buffer for record in records for buffer in record.encode(self.generation)]
        stop = self.stop + sum(map(len, buffers))
        try:
            while self._allocated < stop:
                write_all(self._fd, bytes(_GROWTH), offset=self._allocated)
                self._allocated += _GROWTH
            write_all(self._fd, *buffers, offset=self.stop)
            os.fdatasync(self._fd)
        except OSError:
            self._erase(self.stop)
            raise
        self.stop = stop

    def end(self) -> None:
        """Forget all records, durably."""
        self._write_header(self.generation, in_use=False)
        os.fdatasync(self._fd)
        self.stop = _HEADER.size

    def records(self) -> Iterator[tuple[int, Record]]:
        """Yield the records with their positions. Then the next one is appended behind them."""
        self.stop = _HEADER.size
        while self.in_use and (record := self.read(self.stop)) is not None:
            yield self.stop, record
            self.stop += record.size

    def read(self, position: int) -> Record | None:
        """Return the record at a position; None if there is no valid one."""
        if position + _HEAD > self._allocated:
            return None
        head = read_exactly(self._fd, _HEAD, position)
        generation, completed_at, *lengths = _FIELDS.unpack_from(head)
        stop = position + _HEAD + sum(lengths)
        if generation != self.generation or stop > min(self._allocated, SEGMENT):
            return None
        content = read_exactly(self._fd, sum(lengths), position + _HEAD)
        (checksum,) = _CHECKSUM.unpack_from(head, _FIELDS.size)
        if _checksum(head[: _FIELDS.size], content) != checksum:
            return None
        key, meta = content[: lengths[0]], content[lengths[0] : lengths[0] + lengths[1]]
        return Record(key.decode("ascii"), meta, content[len(key) + len(meta) :], completed_at)

    def _erase(self, position: int) -> None:
        """Overwrite the head of a record that may have been written."""
        try:
            write_all(self._fd, bytes(_HEAD), offset=position)
        except OSError:
            return  # not even its blocks exist

    def _write_header(self, generation: int, *, in_use: bool) -> None:
        fields = _HEADER.pack(_MAGIC, generation, in_use, 0)[: -_CHECKSUM.size]
        write_all(self._fd, fields, _CHECKSUM.pack(zlib.crc32(fields)), offset=0)
        self.generation, self.in_use = generation, in_use
        self._allocated = max(self._allocated, _HEADER.size)

    def _read_header(self) -> tuple[int, bool]:
        if self._allocated < _HEADER.size:
            return 0, False
        content = read_exactly(self._fd, _HEADER.size, 0)
        magic, generation, in_use, checksum = _HEADER.unpack(content)
        valid = magic == _MAGIC and checksum == zlib.crc32(content[: -_CHECKSUM.size])
        return (generation, in_use == 1) if valid else (0, False)


def _checksum(*parts: bytes) -> int:
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return checksum
