"""Group keys as single byte strings, which compare as the tuples of their fields do.

Fields are separated by two NUL bytes, and a NUL byte within a field is followed by 0x01. So the
end of a field comes before whatever else may follow there, as the order of tuples demands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SEPARATOR = b"\0\0"
_NUL, _ESCAPED = b"\0", b"\0\1"


def join_key(fields: Sequence[bytes]) -> bytes:
    """The key of these fields."""
    key = SEPARATOR.join(fields)
    if key.count(_NUL) == len(SEPARATOR) * (len(fields) - 1):
        return key
    return SEPARATOR.join([field.replace(_NUL, _ESCAPED) for field in fields])


def split_key(key: bytes) -> list[bytes]:
    """The fields of a key."""
    fields = key.split(SEPARATOR)
    return [field.replace(_ESCAPED, _NUL) for field in fields] if _ESCAPED in key else fields
