"""Convert text in the encodings of CSV files to UTF-8."""

from __future__ import annotations

import codecs
from itertools import chain
from typing import TYPE_CHECKING

from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.csv.dialect import Encoding

ENCODING_NAMES: dict[Encoding, str] = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "latin-1": "Latin-1",
    "windows-1252": "Windows-1252",
}
"""The names of the encodings in messages."""

BOMS: dict[bytes, Encoding] = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""The byte order marks and their encodings."""

_CODECS: dict[Encoding, tuple[str, str]] = {
    "utf-16-le": ("utf-16-le", "surrogatepass"),
    "utf-16-be": ("utf-16-be", "surrogatepass"),
    "latin-1": ("latin-1", "strict"),
    "windows-1252": ("cp1252", "surrogateescape"),
}
"""The codec of each encoding, and its handler of invalid bytes."""
_HALF_CHARACTER = b"\xff"
_PIECE = 1 << 20
_TRAILING = bytes(range(0x80, 0xC0))
_FOUR_BYTES = bytes(range(0xF0, 0xF8))


def bom_encoding(start: bytes) -> Encoding | None:
    """Return the encoding of the byte order mark of a file, or None without one."""
    return next((name for bom, name in BOMS.items() if start.startswith(bom)), None)


def to_utf8(blocks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """Yield the text of a file in `encoding` as UTF-8, with its byte order mark.

    Invalid bytes (undefined in Windows-1252, half a surrogate pair, half a character at the end)
    become invalid UTF-8, so that the reader of records reports their position. Raises
    MalformedInput if the byte order mark is that of another encoding.
    """
    if encoding == "utf-8":
        return iter(blocks)
    return _transcoded(iter(blocks), encoding)


def _transcoded(blocks: Iterator[bytes], encoding: Encoding) -> Iterator[bytes]:
    beginning = b""
    while len(beginning) < len(codecs.BOM_UTF8) and (block := next(blocks, None)) is not None:
        beginning += block
    bom = bom_encoding(beginning)
    if bom not in (None, encoding):
        raise MalformedInput(
            f"the file begins with the byte order mark of {bom}, but input.encoding is {encoding}: "
            f"remove input.encoding, or set it to {bom}"
        )
    codec, errors = _CODECS[encoding]
    back = "surrogateescape" if errors == "surrogateescape" else "surrogatepass"
    decoder = codecs.getincrementaldecoder(codec)(errors)
    for block in chain([beginning], blocks):
        for at in range(0, len(block), _PIECE):
            # ASCII bytes of a single-byte encoding are the same in UTF-8.
            piece = block[at : at + _PIECE]
            if piece.isascii() and encoding in ("latin-1", "windows-1252"):
                yield piece
            else:
                yield decoder.decode(piece).encode(errors=back)
    try:
        # Half a surrogate pair may be left; it is encoded as in the middle of a file.
        yield decoder.decode(b"", final=True).encode(errors=back)
    except UnicodeDecodeError:
        yield _HALF_CHARACTER


def is_utf8(data: bytes) -> bool:
    """Return whether `data` is valid UTF-8 of whole characters."""
    if data.isascii():
        return True
    try:
        if len(data) <= _PIECE:
            data.decode()
            return True
        # In pieces, as decoded text may take four times the memory.
        decoder = codecs.getincrementaldecoder("utf-8")()
        for at in range(0, len(data), _PIECE):
            decoder.decode(data[at : at + _PIECE], at + _PIECE >= len(data))
    except UnicodeDecodeError:
        return False
    return True


def source_length(data: bytes, encoding: Encoding) -> int:
    """Return the number of bytes that `data`, now in UTF-8, has in the encoding of its file."""
    if encoding == "utf-8":
        return len(data)
    if encoding in ("latin-1", "windows-1252"):
        return len(data) if data.isascii() else len(data.decode(errors="surrogateescape"))
    if data.isascii():
        return 2 * len(data)
    characters = len(data.translate(None, _TRAILING))
    pairs = len(data) - len(data.translate(None, _FOUR_BYTES))
    return 2 * (characters + pairs)
