"""Find text in UTF-16 that has no byte order mark, and text in UTF-32. No I/O."""

from __future__ import annotations

import codecs
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.csv.dialect import Encoding

_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_16: tuple[Encoding, ...] = ("utf-16-le", "utf-16-be")
_FEW, _NEARLY_ALL = 0.1, 0.8
"""Shares of the bytes LF that end lines in UTF-16."""
_WHITE = "\t\n\r"


def is_utf_32(text: bytes) -> bool:
    """Whether the byte order mark is that of UTF-32, and not of UTF-16 with a NUL after it."""
    if not text.startswith(_UTF_32):
        return False
    with suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("utf-32")().decode(text)
        return True
    return False


def utf_16(text: bytes) -> Encoding | None:
    """Return the encoding of UTF-16 without a byte order mark: one byte of most characters is 0.

    None if it is not certain.
    """
    pairs = len(text) // 2
    if pairs < 2:
        return None
    high, low = text[0 : 2 * pairs : 2].count(0), text[1 : 2 * pairs : 2].count(0)
    if low > 0.6 * pairs and high < 0.1 * pairs:
        return "utf-16-le"
    if high > 0.6 * pairs and low < 0.1 * pairs:
        return "utf-16-be"
    return _by_lines(text)


def perhaps_utf_16(text: bytes) -> list[Encoding]:
    """Return the encodings of UTF-16 in which all of a text with NUL bytes is printable characters.

    It may be a file of few lines, which are too few for certainty.
    """
    return [encoding for encoding in _UTF_16 if b"\0" in text and _is_printable(text, encoding)]


def has_invalid_bytes(text: bytes) -> bool:
    """Whether the text is not UTF-8, or the beginning of such text."""
    try:
        # The incremental decoder accepts a character that the end of the sample cuts.
        codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError:
        return True
    return False


def _by_lines(text: bytes) -> Encoding | None:
    """Return the encoding of UTF-16 with few ASCII characters, such as Chinese, by the line ends.

    In other text, a NUL hardly follows or precedes them. A byte LF may be half a character.
    """
    ends = text.count(b"\n") or text.count(b"\r")
    if b"\0" not in text or ends < 2:
        return None
    least = max(2, (_FEW if has_invalid_bytes(text) else _NEARLY_ALL) * ends)
    for encoding in _UTF_16:
        found = codecs.getincrementaldecoder(encoding)("replace").decode(text)
        if max(found.count("\n"), found.count("\r")) >= least and "\0" not in found:
            return encoding
    return None


def _is_printable(text: bytes, encoding: Encoding) -> bool:
    try:
        found = set(codecs.getincrementaldecoder(encoding)().decode(text))
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(char).startswith("C") for char in found - set(_WHITE))
