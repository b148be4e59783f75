"""Encode rows of results and rejects as CSV."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEEDS_QUOTES = re.compile(rb'[,"\r\n]')


def encode_row(fields: Sequence[bytes]) -> bytes:
    """Return a line of RFC 4180, which ends in LF.

    Fields with a comma, a quote, CR or LF are quoted. So is an empty field that is the only one of
    its row, because many readers, including ours, skip empty lines.
    """
    return (b",".join(map(_quoted, fields)) or b'""') + b"\n"


def _quoted(field: bytes) -> bytes:
    if _NEEDS_QUOTES.search(field):
        return b'"' + field.replace(b'"', b'""') + b'"'
    return field
