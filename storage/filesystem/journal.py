"""The journal of a blob: which byte ranges have been received.

    header   magic (8 bytes) | generation (u64) | CRC-32
    record   start (u64) | stop (u64) | CRC-32         repeated, appended one by one

Little-endian. The checksum of a record covers the generation and the record's place too, so
that a record stands only where it was written. Records only ever add bytes to the set; each is
true by itself, and one that is damaged takes nothing but its own range away.
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
    """What a journal says. Of its `records`, `damaged` ones are not believed."""

    generation: int
    received: RangeSet
    records: int
    damaged: int


def header(generation: int) -> bytes:
    """The beginning of the journal of one generation of a blob's data."""
    fields = _FIELDS.pack(int.from_bytes(_MAGIC, "little"), generation)
    return _HEADER.pack(_MAGIC, generation, zlib.crc32(fields))


def record(generation: int, place: int, start: int, stop: int) -> bytes:
    """The record number `place`, counted from 0: the bytes `start..stop` are durable."""
    return _RECORD.pack(start, stop, _checksum(generation, place, start, stop))


def position(place: int) -> int:
    """The offset in bytes of the record number `place`."""
    return _HEADER.size + place * _RECORD.size


def parse(content: bytes, size: int) -> Journal | None:
    """Read the journal of a blob of `size` bytes; None if its header is damaged.

    A torn or damaged tail is not counted in `records`: the next record overwrites it.
    """
    if len(content) < _HEADER.size:
        return None
    _, generation, _ = _HEADER.unpack_from(content)
    if content[: _HEADER.size] != header(generation):
        return None
    ranges: list[tuple[int, int]] = []
    records = 0
    whole = (len(content) - _HEADER.size) // _RECORD.size
    for place in range(whole):
        start, stop, checksum = _RECORD.unpack_from(content, position(place))
        if checksum == _checksum(generation, place, start, stop) and start < stop <= size:
            ranges.append((start, stop))
            records = place + 1
    return Journal(generation, RangeSet.of(ranges), records, records - len(ranges))


def _checksum(generation: int, place: int, start: int, stop: int) -> int:
    return zlib.crc32(_FIELDS.pack(start, stop), zlib.crc32(_FIELDS.pack(generation, place)))
