"""Compressed files as the bytes that they hold, in a stream, whole or not at all.

gzip (RFC 1952, of several members too), zstd (RFC 8878, of several frames too), bzip2, and zip with
one member.
"""

from __future__ import annotations

import bz2
import re
import sys
import zlib
from typing import TYPE_CHECKING, Protocol

from shared.csv.inflate import GZIP, Inflater
from shared.csv.zip_member import MAGIC as ZIP_MAGIC
from shared.csv.zip_member import zip_member
from shared.errors import MalformedInput

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shared.csv.dialect import Compression

BLOCK = 1 << 20
"""Bytes of a block that is given out, at the most."""
MAX_EXPANSION = 1000
"""How many times its size a compressed file may grow, unless set otherwise."""
MIN_DECOMPRESSED_LIMIT = 1 << 30
"""Bytes that a compressed file may hold however few it has."""

_MAGIC: dict[bytes, Compression] = {
    b"\x1f\x8b\x08": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    ZIP_MAGIC: "zip",
}
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
"""A stream with a block, or without one."""
_PIECE = 64 << 10
_ZSTD_WINDOW_LOG = 27
"""A frame may make us look back over 128 MiB, and so hold them."""


def compression_of(beginning: bytes) -> Compression:
    """The compression of a file that begins with these bytes, ten or more if it has as many."""
    if _BZIP2.match(beginning):
        return "bzip2"
    return next((name for magic, name in _MAGIC.items() if beginning.startswith(magic)), "none")


def decompressed_limit(size: int, expansion: int = MAX_EXPANSION) -> int:
    """Bytes that a compressed file of `size` bytes may hold."""
    return max(MIN_DECOMPRESSED_LIMIT, size * expansion)


def decompress(
    blocks: Iterable[bytes], compression: Compression, most: int | None = None
) -> Iterator[bytes]:
    """What a compressed file holds, in blocks of at most `BLOCK` bytes.

    Reads `blocks` to their end. Raises MalformedInput for a file that is damaged, ends too early,
    goes on after its end, or holds more than `most` bytes: nothing of what was given out before is
    to be relied on then.
    """
    if compression == "none":
        return iter(blocks)
    if compression == "zip":
        held = zip_member(iter(blocks), BLOCK)
    else:
        held = _streams(iter(blocks), compression)
    return held if most is None else _bounded(held, most)


class _Decompressor(Protocol):
    """One member or frame."""

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
    """What all members of a file hold."""
    make = _DECOMPRESSORS[compression]
    taken = 0
    stream: _Decompressor | None = None
    # Small pieces, as what follows a member is copied, and there may be very many members.
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


def _bounded(blocks: Iterator[bytes], most: int) -> Iterator[bytes]:
    held = 0
    for block in blocks:
        held += len(block)
        if held > most:
            raise MalformedInput(
                f"the decompressed file has more than {most} bytes, the limit for its size: "
                "decompress it before the upload, or raise CSVMILL_MAX_EXPANSION"
            )
        yield block
