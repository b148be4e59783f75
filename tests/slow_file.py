"""Files whose jobs take seconds, because bzip2 takes long to decompress them."""

from __future__ import annotations

import bz2


def bzip2(header: bytes, block: bytes, times: int, rest: bytes = b"") -> bytes:
    """Return `header`, `block` repeated `times` times, and `rest`, compressed by bzip2.

    The block is compressed only once: a bzip2 file may have any number of streams.
    """
    return (
        bz2.compress(header) + bz2.compress(block) * times + (bz2.compress(rest) if rest else b"")
    )
