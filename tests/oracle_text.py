"""Decompresses and decodes a whole file in memory."""

from __future__ import annotations

import bz2
import gzip
import io
import re
import sys
import zipfile
from typing import TYPE_CHECKING

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.csv.dialect import Compression, Encoding, Input

CODECS: dict[Encoding, str] = {
    "utf-8": "utf-8",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "latin-1": "latin-1",
    "windows-1252": "cp1252",
    "windows-1251": "cp1251",
    "iso-8859-7": "iso8859_7",
    "cp437": "cp437",
    "shift-jis": "cp932",
    "euc-jp": "euc_jp",
    "gb18030": "gb18030",
    "big5": "cp950",
    "euc-kr": "cp949",
}
ENCODINGS: dict[Encoding, str] = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "latin-1": "Latin-1",
    "windows-1252": "Windows-1252",
    "windows-1251": "Windows-1251",
    "iso-8859-7": "ISO-8859-7",
    "cp437": "cp437",
    "shift-jis": "Shift-JIS",
    "euc-jp": "EUC-JP",
    "gb18030": "GB18030",
    "big5": "Big5",
    "euc-kr": "EUC-KR",
}
NOT_READ = {
    name: f": characters of {of} are not read: save the file as UTF-8"
    for name, of in (
        ("EUC-JP", "vendors, as in eucJP-ms and CP51932,"),
        ("Big5", "Hong Kong, as in Big5-HKSCS,"),
    )
}
"""What follows the name of an encoding that lacks characters of files said to be in it."""
"""The names in messages."""
_FIRST_BYTES = re.compile("[\udcc2-\udcf4]")


def expanded_file(data: bytes, declared: Input) -> bytes:
    """Return the decompressed file."""
    return _DECOMPRESS[declared.compression or "none"](data)


def in_utf8(data: bytes, declared: Input) -> bytes:
    """Return the decompressed file in UTF-8. Bytes without a character stay invalid."""
    data = expanded_file(data, declared)
    encoding = declared.encoding or "utf-8"
    if encoding == "utf-8":
        return data
    errors = errors_of(encoding)
    half = len(data) % 2 if encoding.startswith("utf-16") else 0
    text = data[: len(data) - half].decode(CODECS[encoding], errors)
    if errors == "surrogateescape":
        # A byte without a character must not begin one in UTF-8.
        text = _FIRST_BYTES.sub("\udcff", text)
    return text.encode(errors=errors) + half * b"\xff"


def offset_in_file(text: bytes, at: int, declared: Input) -> int:
    """Convert an offset in the output of `in_utf8` to one in the decompressed file."""
    encoding = declared.encoding or "utf-8"
    if encoding == "utf-8":
        return at
    before = text[:at].decode(errors=errors_of(encoding))
    return len(before.encode(CODECS[encoding], errors_of(encoding)))


def errors_of(encoding: Encoding) -> str:
    """Return the error handler that keeps unpaired surrogates and undecodable bytes."""
    return "surrogatepass" if encoding.startswith("utf-16") else "surrogateescape"


def _unzipped(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (name,) = archive.namelist()
        return archive.read(name)


_DECOMPRESS: dict[Compression, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "gzip": gzip.decompress,
    "bzip2": bz2.decompress,
    "zstd": zstd.decompress,
    "zip": _unzipped,
}
