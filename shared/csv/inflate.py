"""Decompress deflate (RFC 1951) with the interface of `bz2.BZ2Decompressor`."""

from __future__ import annotations

import zlib

GZIP, RAW = 16 + zlib.MAX_WBITS, -zlib.MAX_WBITS
"""A member of a gzip file, whose CRC and length zlib checks, and raw deflated data."""


class Inflater:
    """One stream in `format`, which is `GZIP` or `RAW`; see `bz2.BZ2Decompressor`."""

    def __init__(self, format: int) -> None:  # noqa: A002
        self._object = zlib.decompressobj(format)
        self._full = False

    @property
    def eof(self) -> bool:
        """Whether the end has been reached."""
        return self._object.eof

    @property
    def needs_input(self) -> bool:
        """Whether more input is needed for more output."""
        return not self._full

    @property
    def unused_data(self) -> bytes:
        """The bytes after the end."""
        return self._object.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` more bytes. Raises zlib.error."""
        out = self._object.decompress(self._object.unconsumed_tail + data, max_length)
        # zlib may have more output then, even if it has consumed all input.
        self._full = len(out) == max_length
        return out
