"""A row of a result, or of rejects, as CSV."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEEDS_QUOTES = re.compile(rb'[,"\r\n]')


def encode_row(fields: Sequence[bytes]) -> bytes:
    """One line of RFC 4180: a field is quoted only if it contains a comma, a quote, CR or LF.

    Or if it is empty and alone: an empty line is no row to many readers, ours among them.
    """
    return (b",".join(map(_quoted, fields)) or b'""') + b"\n"


def _quoted(field: bytes) -> bytes:
    if _NEEDS_QUOTES.search(field):
        return b'"' + field.replace(b'"', b'""') + b'"'
    return field
