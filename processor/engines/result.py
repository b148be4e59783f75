"""Complete the files of a kernel: compress the result, and compute sizes and digests."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import threading
import zlib
from typing import TYPE_CHECKING, Protocol

from processor.engines.port import Written
from processor.engines.usage import OutOfScratch
from shared.blobs.content import WHOLE

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shared.csv.dialect import Compression

_BLOCK = 1 << 20
"""Bytes passed to a compressor at a time. The compressed bytes depend on it."""
_GZIP = 16 + zlib.MAX_WBITS
"""The `wbits` of zlib for the gzip format (RFC 1952), without a file name and a time."""
_ZSTD_LEVEL = 3


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def _gzip_compressor() -> _Compressor:
    return zlib.compressobj(wbits=_GZIP)


def _zstd_compressor() -> _Compressor:
    # A frame (RFC 8878) with a checksum, which readers verify.
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: _ZSTD_LEVEL,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    return zstd.ZstdCompressor(options=options)


_COMPRESSORS: dict[Compression, Callable[[], _Compressor]] = {
    "gzip": _gzip_compressor,
    "zstd": _zstd_compressor,
}


async def described(path: Path) -> Written:
    """Return a file with its size and digest, and its bytes if it is small. Raises OSError."""
    return await _in_thread(lambda stop: _described(path, stop))


async def compressed(path: Path, to: Path, compression: Compression, limit: int) -> Written:
    """Compress a file to the new file `to` of up to `limit` bytes, and remove it.

    Raises OutOfScratch and OSError.
    """
    return await _in_thread(lambda stop: _compressed(path, to, compression, limit, stop))


async def _in_thread(work: Callable[[threading.Event], Written]) -> Written:
    """Run `work` in a thread, which the cancellation of this task stops."""
    stop = threading.Event()
    running = asyncio.ensure_future(asyncio.to_thread(work, stop))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.gather(running, return_exceptions=True)
        raise


def _described(path: Path, stop: threading.Event) -> Written:
    digest = hashlib.sha256()
    size = 0
    kept: list[bytes] = []
    for block in _blocks(path, stop):
        digest.update(block)
        size += len(block)
        if size <= WHOLE:
            kept.append(block)
        else:
            kept.clear()
    content = b"".join(kept) if size <= WHOLE else None
    return Written(path, size, digest.hexdigest(), content=content)


def _compressed(
    path: Path, to: Path, compression: Compression, limit: int, stop: threading.Event
) -> Written:
    compressor = _COMPRESSORS[compression]()
    digest = hashlib.sha256()
    size = 0
    with to.open("xb") as file:
        for block in _blocks(path, stop):
            data = compressor.compress(block)
            if not block:
                data += compressor.flush()
            size += len(data)
            if size > limit:
                raise OutOfScratch(limit)
            file.write(data)
            digest.update(data)
    path.unlink()
    return Written(to, size, digest.hexdigest())


def _blocks(path: Path, stop: threading.Event) -> Iterator[bytes]:
    """Yield the bytes of a file in blocks of `_BLOCK`, and an empty one at the end."""
    with path.open("rb") as file:
        block = b"first"
        while block and not stop.is_set():
            block = file.read(_BLOCK)
            yield block
