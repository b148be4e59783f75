"""Content codings: negotiation (RFC 9110, 12.5.3) and encoding of a stream."""

from __future__ import annotations

import asyncio
import re
import sys
import zlib
from typing import TYPE_CHECKING, Protocol

from shared.http.conditions import IDENTITY

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable

ZSTD = "zstd"
GZIP = "gzip"
CODINGS = (ZSTD, GZIP)
"""The supported codings, best first."""
ENCODED_AT_ONCE = 128 << 10
"""Bytes, at least, that one call in a thread encodes."""

_ITEM = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]*;[ \t]*[qQ]=([01](?:\.[0-9]{0,3})?))?")
# Fast levels: encoding must not be slower than the network.
_GZIP_LEVEL = 1
_ZSTD_LEVEL = 1
_ZSTD_WINDOW = 17
"""Binary logarithm of the bytes to which references may reach back."""
_GZIP_FORMAT = 16 + 14
"""Of gzip, with a window of 16 KiB, so that little memory is held for a slow client."""
_GZIP_MEMORY = 7


def negotiate_coding(accept_encoding: str | None, offered: tuple[str, ...]) -> str | None:
    """Return the coding to send, of `offered` or identity; None if the client accepts none.

    Only identity can be resumed. So it is preferred unless the client ranks another coding higher
    or refuses identity. A malformed field is ignored.
    """
    weights = _weights(accept_encoding or "")
    if weights is None:
        return IDENTITY
    others = weights.get("*")
    ranked = [(weights[coding], coding) for coding in offered if weights.get(coding)]
    best = max(ranked, key=lambda pair: pair[0], default=None)
    identity = weights.get(IDENTITY, others)
    if identity is None:
        return best[1] if best else IDENTITY
    if best and best[0] > identity:
        return best[1]
    if identity:
        return IDENTITY
    if others:  # and identity is refused by name
        return next((coding for coding in offered if coding not in weights), None)
    return None


async def encode_stream(pieces: AsyncIterable[bytes], coding: str) -> AsyncGenerator[bytes, None]:
    """Encode a stream in a thread, piece by piece, in memory that does not grow with its size."""
    encoder = _ENCODERS[coding]()
    gathered: list[bytes] = []
    size = 0
    async for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        del piece  # nothing is held while the consumer is slow
        if size >= ENCODED_AT_ONCE:
            ready = await asyncio.to_thread(encoder.compress, b"".join(gathered))
            gathered.clear()
            size = 0
            if ready:
                yield ready
    yield await asyncio.to_thread(lambda: encoder.compress(b"".join(gathered)) + encoder.flush())


class _Encoder(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def _zstd() -> _Encoder:
    # With the window of this level, 512 KiB, the encoder would hold more than a client may cost.
    options = zstd.CompressionParameter
    return zstd.ZstdCompressor(
        options={options.compression_level: _ZSTD_LEVEL, options.window_log: _ZSTD_WINDOW}
    )


_ENCODERS: dict[str, Callable[[], _Encoder]] = {
    ZSTD: _zstd,
    GZIP: lambda: zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_FORMAT, _GZIP_MEMORY),
}


def _weights(field: str) -> dict[str, float] | None:
    weights: dict[str, float] = {}
    for element in field.split(","):
        text = element.strip(" \t")
        if not text:
            continue
        item = _ITEM.fullmatch(text)
        if not item or (item[2] and float(item[2]) > 1):
            return None
        coding = item[1].lower()
        # RFC 9110, 8.4.1.3: x-gzip is gzip.
        weights["gzip" if coding == "x-gzip" else coding] = float(item[2] or 1)
    return weights
