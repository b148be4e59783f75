"""Writes results: the header, then rows, digested on the way."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NEEDS_QUOTES = re.compile(rb'[,"\r\n]')


def encode_row(fields: Sequence[bytes]) -> bytes:
    """One line of RFC 4180: a field is quoted only if it contains a comma, a quote, CR or LF."""
    return b",".join(map(_quoted, fields)) + b"\n"


def _quoted(field: bytes) -> bytes:
    if _NEEDS_QUOTES.search(field):
        return b'"' + field.replace(b'"', b'""') + b'"'
    return field


class ResultFile:
    """A result while it is being written to `file`, from the header on."""

    def __init__(self, file: BinaryIO, header: Iterable[str]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0
        """Bytes written so far."""
        self.write(encode_row([name.encode() for name in header]))

    def write(self, data: bytes | memoryview) -> None:
        """Append encoded rows. Raises OSError, as when the disk is full."""
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        """Lower-case hex digest of what has been written."""
        return self._digest.hexdigest()
