"""Convert text in the encodings of CSV files to UTF-8."""

from __future__ import annotations

import codecs
from itertools import chain
from typing import TYPE_CHECKING

from shared.csv.encodings import CODECS, MULTI_BYTE, SINGLE_BYTE
from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.csv.dialect import Encoding

BOMS: dict[bytes, Encoding] = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""The byte order marks and their encodings."""

SECOND_TILDE = b"\x8f\xa2\xb7"
"""A character of EUC-JP that the codec takes for the ASCII character `~`, so that it could not be
written back: it counts as invalid."""
_UNDEFINED = "csvmill.undefined"
"""The handler of bytes without a character."""
_FIRST_BYTES = range(0xC2, 0xF5)
"""The bytes with which a character of several bytes begins in UTF-8."""
HALF_CHARACTER = b"\xff"
"""What half a unit of UTF-16 at the end of a file becomes."""
_PIECE = 1 << 20
_TRAILING = bytes(range(0x80, 0xC0))
_FOUR_BYTES = bytes(range(0xF0, 0xF8))


def bom_encoding(start: bytes) -> Encoding | None:
    """Return the encoding of the byte order mark of a file, or None without one."""
    return next((name for bom, name in BOMS.items() if start.startswith(bom)), None)


def to_utf8(blocks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """Yield the text of a file in `encoding` as UTF-8, with its byte order mark.

    Invalid bytes (without a character in the encoding, half a surrogate pair, half a character at
    the end) become invalid UTF-8, so that the reader of records reports their position. Raises
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
    if encoding in MULTI_BYTE:
        yield from _of_multi_byte(chain([beginning], blocks), encoding)
        return
    single = encoding in SINGLE_BYTE
    errors, back = (_UNDEFINED, "surrogateescape") if single else ("surrogatepass", "surrogatepass")
    decoder = codecs.getincrementaldecoder(CODECS[encoding])(errors)
    for block in chain([beginning], blocks):
        for at in range(0, len(block), _PIECE):
            # ASCII bytes of a single-byte encoding are the same in UTF-8.
            piece = block[at : at + _PIECE]
            if single and piece.isascii():
                yield piece
            else:
                yield decoder.decode(piece).encode(errors=back)
    try:
        # Half a surrogate pair may be left; it is encoded as in the middle of a file.
        yield decoder.decode(b"", final=True).encode(errors=back)
    except UnicodeDecodeError:
        yield HALF_CHARACTER


def _of_multi_byte(blocks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(CODECS[encoding])(_UNDEFINED)

    def decoded(data: bytes) -> bytes:
        return decoder.decode(data).encode(errors="surrogateescape")

    def rest() -> Iterator[bytes]:
        # The decoder calls the handler once, for the first of the bytes that are left.
        while decoder.getstate()[0]:
            yield decoder.decode(b"", final=True).encode(errors="surrogateescape")

    held = b""
    for block in blocks:
        for at in range(0, len(block), _PIECE):
            data, held = held + block[at : at + _PIECE], b""
            if encoding == "euc-jp":
                *parts, data = data.split(SECOND_TILDE)
                after = b""
                for part in parts:
                    yield decoded(after + part)
                    yield from rest()
                    yield SECOND_TILDE[:1]  # As a byte without a character.
                    after = SECOND_TILDE[1:]
                size = next((n for n in (2, 1) if data.endswith(SECOND_TILDE[:n])), 0)
                data, held = after + data[: len(data) - size], data[len(data) - size :]
            yield decoded(data)
    yield decoded(held)
    yield from rest()


def _undefined(error: UnicodeError) -> tuple[str, int]:
    """Return a byte without a character as it is; as FF if it could begin a character in UTF-8."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101
    byte = error.object[error.start]
    return chr(0xDC00 + (0xFF if byte in _FIRST_BYTES else byte)), error.start + 1


codecs.register_error(_UNDEFINED, _undefined)


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
    if encoding in SINGLE_BYTE:
        return len(data) if data.isascii() else len(data.decode(errors="surrogateescape"))
    if encoding in MULTI_BYTE:
        if data.isascii():
            return len(data)
        text = data.decode(errors="surrogateescape")
        return len(text.encode(CODECS[encoding], errors="surrogateescape"))
    if data.isascii():
        return 2 * len(data)
    characters = len(data.translate(None, _TRAILING))
    pairs = len(data) - len(data.translate(None, _FOUR_BYTES))
    return 2 * (characters + pairs)
