"""Read a zip file of one member from start to end (PKWARE APPNOTE.TXT, version 6.3.10).

Folders, and the files that macOS adds in `__MACOSX/`, do not count as members.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from struct import unpack
from typing import TYPE_CHECKING

from shared.csv.inflate import RAW, Inflater
from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"PK\x03\x04"

_DESCRIPTOR, _CENTRAL, _END = b"PK\x07\x08", b"PK\x01\x02", b"PK\x05\x06"
_END_64, _LOCATOR_64 = b"PK\x06\x06", b"PK\x06\x07"
_ENCRYPTED, _SIZES_FOLLOW, _STRONG = 1 << 0, 1 << 3, 1 << 6
_STORED, _DEFLATED = 0, 8
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz", 98: "PPMd", 99: "AES"}
_OFFICE = b"[Content_Types].xml"
"""The part that every Office Open XML document has, and begins with (ECMA-376, part 2)."""
_OFFICE_FOLDERS = (b"_rels/", b"docProps/", b"xl/", b"customXml/")
"""Where else the first part of a workbook may be."""
_NAME = 30
"""Where the name of the first member begins."""
_IN_EXTRA = 0xFFFFFFFF
_IGNORED_LIMIT = 16 << 20
"""The maximum size of everything that does not count as a member, in bytes."""
_PIECE = 64 << 10


@dataclass(frozen=True, slots=True)
class _Header:
    """A local file header, which precedes the data of a member."""

    name: bytes
    method: int
    sizes_follow: bool
    crc: int
    packed: int
    size: int

    @property
    def counts(self) -> bool:
        """Whether it counts as a member."""
        return not self.name.endswith(b"/") and not self.name.startswith(b"__MACOSX/")


def begins_workbook(start: bytes) -> bool:
    """Whether a file with these first bytes is a workbook, or another office document.

    Not if they end before the name of its first part does.
    """
    if not start.startswith(MAGIC) or len(start) < _NAME:
        return False
    (length,) = unpack("<H", start[26:28])
    name = start[_NAME : _NAME + length]
    return len(name) == length and (name == _OFFICE or name.startswith(_OFFICE_FOLDERS))


def zip_member(blocks: Iterator[bytes], block: int) -> Iterator[bytes]:
    """Yield the bytes of the only member, in blocks of at most `block` bytes.

    Checks CRC-32, length, and that the archive is complete. Raises MalformedInput otherwise,
    and for several members, none, encryption, another method than stored or deflated, and office
    documents.
    """
    stream = _Stream(blocks)
    members = entries = ignored = 0
    signature = stream.take(4)
    if signature not in (MAGIC, _END):
        raise MalformedInput("the file is not a zip archive")
    while signature == MAGIC:
        header = _read_header(stream)
        entries += 1
        if header.name == _OFFICE:
            raise MalformedInput(
                "the file is an office document, such as .xlsx, and not CSV: save the sheet as CSV"
            )
        if header.counts:
            members += 1
            if members > 1:
                raise MalformedInput(
                    f"the zip archive has several members, {_shown(header.name)} among them: "
                    "send one file at a time"
                )
        for data in _member(stream, header, block):
            if header.counts:
                yield data
                continue
            ignored += len(data)
            if ignored > _IGNORED_LIMIT:
                raise MalformedInput(f"{_shown(header.name)} in the zip archive is too large")
        signature = stream.take(4)
    _read_directory(stream, signature, entries)
    if members == 0:
        raise MalformedInput("the zip archive has no member: add the CSV file to it")


def _read_header(stream: _Stream) -> _Header:
    _, flags, method, _, _, crc, packed, size, name_length, extra_length = unpack(
        "<HHHHHIIIHH", stream.take(26)
    )
    name, extra = stream.take(name_length), stream.take(extra_length)
    if flags & (_ENCRYPTED | _STRONG):
        raise MalformedInput(f"{_shown(name)} in the zip archive is encrypted: send it decrypted")
    if method not in (_STORED, _DEFLATED):
        raise MalformedInput(
            f"{_shown(name)} in the zip archive is compressed by {_METHODS.get(method, method)}: "
            "compress it by Deflate, or as .gz or .zst"
        )
    sizes_follow = bool(flags & _SIZES_FOLLOW)
    if sizes_follow and method == _STORED and not packed and not name.endswith(b"/"):
        raise MalformedInput(
            f"{_shown(name)} in the zip archive is stored without its length: compress it by "
            "Deflate, or as .gz or .zst"
        )
    if _IN_EXTRA in (packed, size):
        size, packed = _sizes_of_extra(extra, size, packed)
    return _Header(name, method, sizes_follow, crc, packed, size)


def _sizes_of_extra(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """Return size and packed size; those of 64 bits are in the extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = unpack("<HH", extra[at : at + 4])
        values = extra[at + 4 : at + 4 + length]
        if kind == 1:
            numbers = [unpack("<Q", values[i : i + 8])[0] for i in range(0, len(values) - 7, 8)]
            if size == _IN_EXTRA and numbers:
                size = numbers.pop(0)
            if packed == _IN_EXTRA and numbers:
                packed = numbers.pop(0)
        at += 4 + length
    return size, packed


def _member(stream: _Stream, header: _Header, block: int) -> Iterator[bytes]:
    begun = stream.taken
    crc = size = 0
    unpacked = _inflated if header.method == _DEFLATED else _stored
    for data in unpacked(stream, header, block):
        crc = zlib.crc32(data, crc)
        size += len(data)
        yield data
    packed = stream.taken - begun
    expected = (header.crc, header.packed, header.size)
    if header.sizes_follow:
        expected = _read_descriptor(stream, packed, size)
    if (crc, packed, size) != expected:
        raise MalformedInput(
            f"{_shown(header.name)} in the zip archive is damaged: its checksum or length "
            "does not match; upload the file again"
        )


def _stored(stream: _Stream, header: _Header, block: int) -> Iterator[bytes]:
    left = header.packed
    while left:
        data = stream.take_some(min(left, block))
        left -= len(data)
        yield data


def _inflated(stream: _Stream, header: _Header, block: int) -> Iterator[bytes]:
    inflater = Inflater(RAW)
    try:
        while not inflater.eof:
            data = stream.take_some(_PIECE) if inflater.needs_input else b""
            yield inflater.decompress(data, block)
    except zlib.error as error:
        raise MalformedInput(
            f"{_shown(header.name)} in the zip archive is damaged ({error}): upload the file again"
        ) from error
    stream.give_back(len(inflater.unused_data))


def _read_descriptor(stream: _Stream, packed: int, size: int) -> tuple[int, int, int]:
    """Return CRC, packed size and size. The one of 32 and 64 bits that fits is taken, as the
    format does not say which it is."""
    first = stream.take(4)
    crc: int = unpack("<I", stream.take(4) if first == _DESCRIPTOR else first)[0]
    small = stream.take(8)
    if unpack("<II", small) == (packed, size):
        return crc, packed, size
    found_packed, found_size = unpack("<QQ", small + stream.take(8))
    return crc, found_packed, found_size


def _read_directory(stream: _Stream, signature: bytes, entries: int) -> None:
    """Read the central directory, to the end of the file."""
    listed = 0
    while signature == _CENTRAL:
        listed += 1
        lengths = unpack("<HHH", stream.take(42)[24:30])
        stream.skip(sum(lengths))
        signature = stream.take(4)
    if signature == _END_64:
        stream.skip(unpack("<Q", stream.take(8))[0])
        signature = stream.take(4)
    if signature == _LOCATOR_64:
        stream.take(16)
        signature = stream.take(4)
    if signature != _END or listed != entries:
        raise MalformedInput(
            "the zip archive is damaged: its directory does not list its members; create it again"
        )
    stream.take(unpack("<H", stream.take(18)[16:])[0])
    if stream.take_some(1, at_end=True):
        raise MalformedInput("the zip archive is followed by other bytes: upload the archive only")


def _shown(name: bytes) -> str:
    return repr(name[:200].decode(errors="backslashreplace"))


class _Stream:
    """A buffered reader of blocks."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._block = b""
        self._at = 0
        self.taken = 0
        """Bytes taken so far."""

    def take(self, length: int) -> bytes:
        """Return the next `length` bytes. Raises MalformedInput if there are fewer."""
        parts: list[bytes] = []
        while length:
            parts.append(self.take_some(length))
            length -= len(parts[-1])
        return b"".join(parts)

    def skip(self, length: int) -> None:
        """Skip `length` bytes. Raises MalformedInput if there are fewer."""
        while length:
            length -= len(self.take_some(length))

    def take_some(self, limit: int, *, at_end: bool = False) -> bytes:
        """Return 1 to `limit` bytes of the current block.

        At the end of the file, return nothing if `at_end` is true, else raise MalformedInput.
        """
        while self._at == len(self._block):
            block = next(self._blocks, None)
            if block is None:
                if at_end:
                    return b""
                raise MalformedInput(
                    f"the zip archive is incomplete: it ends after {self.taken} bytes; "
                    "upload the whole file"
                )
            self._block, self._at = block, 0
        data = self._block[self._at : self._at + limit]
        self._at += len(data)
        self.taken += len(data)
        return data

    def give_back(self, length: int) -> None:
        """Put back the last `length` bytes, so that they are returned again."""
        self._at -= length
        self.taken -= length
