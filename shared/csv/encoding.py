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
    "windows-1250": "Windows-1250",
    "windows-1251": "Windows-1251",
    "windows-1253": "Windows-1253",
    "windows-1254": "Windows-1254",
    "windows-1255": "Windows-1255",
    "windows-1256": "Windows-1256",
    "windows-1257": "Windows-1257",
    "windows-1258": "Windows-1258",
    "iso-8859-2": "ISO-8859-2",
    "iso-8859-3": "ISO-8859-3",
    "iso-8859-4": "ISO-8859-4",
    "iso-8859-5": "ISO-8859-5",
    "iso-8859-6": "ISO-8859-6",
    "iso-8859-7": "ISO-8859-7",
    "iso-8859-8": "ISO-8859-8",
    "iso-8859-9": "ISO-8859-9",
    "iso-8859-10": "ISO-8859-10",
    "iso-8859-11": "ISO-8859-11",
    "iso-8859-13": "ISO-8859-13",
    "iso-8859-14": "ISO-8859-14",
    "iso-8859-15": "ISO-8859-15",
    "iso-8859-16": "ISO-8859-16",
    "koi8-r": "KOI8-R",
    "koi8-u": "KOI8-U",
    "mac-roman": "Mac Roman",
    "cp437": "cp437",
    "cp850": "cp850",
    "cp866": "cp866",
    "shift-jis": "Shift-JIS",
    "euc-jp": "EUC-JP",
    "gb18030": "GB18030",
    "big5": "Big5",
    "euc-kr": "EUC-KR",
}
"""The names of the encodings in messages."""

NOT_READ: dict[Encoding, str] = {
    "euc-jp": ": characters of vendors, as in eucJP-ms and CP51932, are not read: save the file as "
    "UTF-8",
    "big5": ": characters of Hong Kong, as in Big5-HKSCS, are not read: save the file as UTF-8",
}
"""What an encoding lacks that files which are said to be in it have, and what to do."""

BOMS: dict[bytes, Encoding] = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""The byte order marks and their encodings."""

CODECS: dict[Encoding, str] = {
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "latin-1": "latin-1",
    "windows-1252": "cp1252",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "windows-1253": "cp1253",
    "windows-1254": "cp1254",
    "windows-1255": "cp1255",
    "windows-1256": "cp1256",
    "windows-1257": "cp1257",
    "windows-1258": "cp1258",
    "iso-8859-2": "iso8859_2",
    "iso-8859-3": "iso8859_3",
    "iso-8859-4": "iso8859_4",
    "iso-8859-5": "iso8859_5",
    "iso-8859-6": "iso8859_6",
    "iso-8859-7": "iso8859_7",
    "iso-8859-8": "iso8859_8",
    "iso-8859-9": "iso8859_9",
    "iso-8859-10": "iso8859_10",
    "iso-8859-11": "iso8859_11",
    "iso-8859-13": "iso8859_13",
    "iso-8859-14": "iso8859_14",
    "iso-8859-15": "iso8859_15",
    "iso-8859-16": "iso8859_16",
    "koi8-r": "koi8_r",
    "koi8-u": "koi8_u",
    "mac-roman": "mac_roman",
    "cp437": "cp437",
    "cp850": "cp850",
    "cp866": "cp866",
    # As Windows has them, with characters that the standards lack.
    "shift-jis": "cp932",
    "euc-jp": "euc_jp",
    "gb18030": "gb18030",
    "big5": "cp950",
    "euc-kr": "cp949",
}
"""The codec of each encoding but UTF-8."""
MULTI_BYTE: tuple[Encoding, ...] = ("shift-jis", "euc-jp", "gb18030", "big5", "euc-kr")
"""The encodings in which a character has up to four bytes, the first of which is not ASCII. ASCII
is the same in all of them, but later bytes of a character may be those of ASCII too."""
SINGLE_BYTE = tuple(
    name for name in CODECS if not name.startswith("utf") and name not in MULTI_BYTE
)
"""The encodings in which each character has one byte. ASCII is the same in all of them."""
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
