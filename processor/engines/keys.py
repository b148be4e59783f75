"""Encode the fields of a group as one byte string that sorts like the tuple of the fields.

Two NUL bytes separate fields, and a NUL byte in a field is followed by 0x01. So the end of a field
sorts before any other byte in its place, as in the order of tuples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SEPARATOR = b"\0\0"
_NUL, _ESCAPED = b"\0", b"\0\1"


def join_key(fields: Sequence[bytes]) -> bytes:
    """Return the key of these fields."""
    key = SEPARATOR.join(fields)
    if key.count(_NUL) == len(SEPARATOR) * (len(fields) - 1):
        return key
    return SEPARATOR.join([field.replace(_NUL, _ESCAPED) for field in fields])


def split_key(key: bytes) -> list[bytes]:
    """Return the fields of a key."""
    fields = key.split(SEPARATOR)
    return [field.replace(_ESCAPED, _NUL) for field in fields] if _ESCAPED in key else fields
