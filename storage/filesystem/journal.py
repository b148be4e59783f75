"""The journal of a blob: the byte ranges that are received and durable.

    header   magic (8 bytes) | generation (u64) | CRC-32
    record   start (u64) | stop (u64) | CRC-32         repeated, appended one by one

Little-endian. The checksum of a record covers the generation and the record's index too, so that
a record is valid only where it was written. Records only add ranges. So a damaged record loses its
own range and no other.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from shared.blobs.byte_ranges import RangeSet

JOURNAL = "journal"

_MAGIC = b"csvmill1"
_HEADER = struct.Struct("<8sQI")
_RECORD = struct.Struct("<QQI")
_FIELDS = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True)
class Journal:
    """The content of a journal. `damaged` of its `records` are ignored."""

    generation: int
    received: RangeSet
    records: int
    damaged: int


def header(generation: int) -> bytes:
    """Encode the header of the journal of one generation."""
    fields = _FIELDS.pack(int.from_bytes(_MAGIC, "little"), generation)
    return _HEADER.pack(_MAGIC, generation, zlib.crc32(fields))


def record(generation: int, index: int, start: int, stop: int) -> bytes:
    """Encode record number `index`, counted from 0: the bytes `start..stop` are durable."""
    return _RECORD.pack(start, stop, _checksum(generation, index, start, stop))


def position(index: int) -> int:
    """Return the offset (bytes) of record number `index`."""
    return _HEADER.size + index * _RECORD.size


def parse(content: bytes, size: int) -> Journal | None:
    """Parse the journal of a blob of `size` bytes; None if its header is damaged.

    `records` does not count damaged records at the end, which the next record overwrites.
    """
    if len(content) < _HEADER.size:
        return None
    _, generation, _ = _HEADER.unpack_from(content)
    if content[: _HEADER.size] != header(generation):
        return None
    ranges: list[tuple[int, int]] = []
    records = 0
    complete = (len(content) - _HEADER.size) // _RECORD.size
    for index in range(complete):
        start, stop, checksum = _RECORD.unpack_from(content, position(index))
        if checksum == _checksum(generation, index, start, stop) and start < stop <= size:
            ranges.append((start, stop))
            records = index + 1
    return Journal(generation, RangeSet.of(ranges), records, records - len(ranges))


def _checksum(generation: int, index: int, start: int, stop: int) -> int:
    return zlib.crc32(_FIELDS.pack(start, stop), zlib.crc32(_FIELDS.pack(generation, index)))
