"""Bytes in the encodings that CSV files have, and UTF-8."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.csv.dialect import Encoding

ENCODING_NAMES: dict[Encoding, str] = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "latin-1": "Latin-1",
    "windows-1252": "Windows-1252",
}
"""The encodings, as they stand in a message."""

_PIECE = 1 << 20
_TRAILING = bytes(range(0x80, 0xC0))
_FOUR_BYTES = bytes(range(0xF0, 0xF8))


def is_utf8(data: bytes) -> bool:
    """Whether `data` is text in UTF-8, whole characters only."""
    if data.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        # Decoded text may take four times as much.
        for at in range(0, len(data), _PIECE):
            decoder.decode(data[at : at + _PIECE], at + _PIECE >= len(data))
    except UnicodeDecodeError:
        return False
    return True


def source_length(data: bytes, encoding: Encoding) -> int:
    """Bytes that `data`, which is in UTF-8 now, had in the file's encoding."""
    if encoding == "utf-8":
        return len(data)
    if encoding in ("latin-1", "windows-1252"):
        return len(data) if data.isascii() else len(data.decode(errors="surrogateescape"))
    if data.isascii():
        return 2 * len(data)
    beginnings = len(data.translate(None, _TRAILING))
    pairs = len(data) - len(data.translate(None, _FOUR_BYTES))
    return 2 * (beginnings + pairs)
