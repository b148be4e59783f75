"""Deflate (RFC 1951), with what it is wrapped in, as `bz2` and `zstd` offer theirs."""

from __future__ import annotations

import zlib

GZIP, RAW = 16 + zlib.MAX_WBITS, -zlib.MAX_WBITS
"""A member of a gzip file, whose CRC and length zlib checks; and deflated data alone."""


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
        """Whether nothing comes without more input."""
        return not self._full

    @property
    def unused_data(self) -> bytes:
        """What followed the end."""
        return self._object.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most `max_length` more bytes. Raises zlib.error."""
        out = self._object.decompress(self._object.unconsumed_tail + data, max_length)
        # Some may be held back then, even if all input was taken.
        self._full = len(out) == max_length
        return out
