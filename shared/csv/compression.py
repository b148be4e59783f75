"""Decompress files as a stream: gzip (RFC 1952), zstd (RFC 8878), bzip2, and zip with one member.

A gzip file may have several members, and a zstd file several frames.
"""

from __future__ import annotations

import bz2
import re
import sys
import zlib
from typing import TYPE_CHECKING, Protocol

from shared.csv.inflate import GZIP, Inflater
from shared.csv.zip_member import MAGIC as ZIP_MAGIC
from shared.csv.zip_member import begins_workbook, zip_member
from shared.errors import MalformedInput

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shared.csv.dialect import Compression

BLOCK = 256 << 10
"""The maximum size of a decompressed block, in bytes: memory of larger ones is not used again."""
MAX_EXPANSION = 1000
"""The default limit of the ratio of decompressed to compressed size."""
MIN_DECOMPRESSED_LIMIT = 1 << 30
"""The decompressed size that is allowed for every file, however small it is, in bytes."""

_MAGIC: dict[bytes, Compression] = {
    b"\x1f\x8b\x08": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    ZIP_MAGIC: "zip",
}
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
"""The start of a stream, with a block or without one."""
_PIECE = 64 << 10
_ZSTD_WINDOW_LOG = 27
"""A frame may have a window of up to 128 MiB, which is kept in memory."""


MAGIC_SIZE = 10
"""Bytes that tell how a file is compressed."""
WORKBOOK = "the file is a workbook (.xlsx), which is read by its job and not by an inspection"


def compression_of(start: bytes) -> Compression:
    """Return the compression of a file by its first `MAGIC_SIZE` bytes.

    A workbook is known by the name of its first part, some bytes later; else it is a zip file.
    """
    if _BZIP2.match(start):
        return "bzip2"
    if begins_workbook(start):
        return "xlsx"
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "none")


def decompressed_limit(size: int, expansion: int = MAX_EXPANSION) -> int:
    """Return the limit of decompressed bytes for a file of `size` bytes."""
    return max(MIN_DECOMPRESSED_LIMIT, size * expansion)


def decompress(
    blocks: Iterable[bytes], compression: Compression, max_size: int | None = None
) -> Iterator[bytes]:
    """Yield the decompressed bytes of a file, in blocks of at most `BLOCK` bytes.

    Reads `blocks` to the end. Raises MalformedInput if the file is damaged, incomplete, followed by
    other bytes, or larger than `max_size` bytes; blocks yielded before must then not be used.
    """
    if compression == "none":
        return iter(blocks)
    if compression == "xlsx":
        raise MalformedInput(WORKBOOK)
    if compression == "zip":
        data = zip_member(iter(blocks), BLOCK)
    else:
        data = _streams(iter(blocks), compression)
    return data if max_size is None else _bounded(data, max_size)


class _Decompressor(Protocol):
    """Decompresses one member or frame."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


_DECOMPRESSORS: dict[Compression, Callable[[], _Decompressor]] = {
    "gzip": lambda: Inflater(GZIP),
    "bzip2": bz2.BZ2Decompressor,
    "zstd": lambda: zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    ),
}


def _streams(blocks: Iterator[bytes], compression: Compression) -> Iterator[bytes]:
    """Yield the bytes of all members of a file."""
    make = _DECOMPRESSORS[compression]
    taken = 0
    stream: _Decompressor | None = None
    # Small pieces, as the bytes after a member are copied, and there may be many members.
    for piece in (b[at : at + _PIECE] for b in blocks for at in range(0, len(b), _PIECE)):
        data = piece
        while data or (stream is not None and not stream.needs_input):
            stream = stream or make()
            try:
                out = stream.decompress(data, BLOCK)
            except (zlib.error, OSError, EOFError, zstd.ZstdError) as error:
                raise _damaged(compression, taken, error) from error
            data = b""
            if stream.eof:
                data = stream.unused_data
                stream = None
            if out:
                yield out
        taken += len(piece)
    if stream is not None or taken == 0:
        raise MalformedInput(
            f"the {compression} data of the file is incomplete: it ends after {taken} bytes; "
            "upload the whole file"
        )


def _damaged(compression: Compression, taken: int, error: Exception) -> MalformedInput:
    return MalformedInput(
        f"the {compression} data of the file is damaged, or followed by other bytes, "
        f"at byte {taken} or later ({error})"
    )


def _bounded(blocks: Iterator[bytes], max_size: int) -> Iterator[bytes]:
    size = 0
    for block in blocks:
        size += len(block)
        if size > max_size:
            raise MalformedInput(
                f"the decompressed file has more than {max_size} bytes, the limit for its size: "
                "decompress it before the upload, or raise CSVMILL_MAX_EXPANSION"
            )
        yield block
