"""Header fields for SHA-256 digests of content and representations (RFC 9530)."""

from __future__ import annotations

import base64
import re

SHA_256 = "sha-256"
"""The key of SHA-256 in these fields (RFC 9530, 7.2)."""

# A dictionary of integers from 0 to 10 (RFC 9530, 4), with parameters that nothing defines
# (RFC 9651, 3.2 and 3.1.2).
_MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=(10|[0-9])(?: *;[^,;]*)*")


def digest_field(digest: bytes) -> str:
    """Return the value of Repr-Digest or Content-Digest for a SHA-256 digest."""
    return f"{SHA_256}=:{base64.b64encode(digest).decode()}:"


def sha256_preference(want: str | None) -> int | None:
    """Return the preference for SHA-256 in Want-Repr-Digest or Want-Content-Digest (RFC 9530, 4).

    1 to 10 is the weight, 0 means not wanted. None if the field is missing, names only other
    algorithms, or is malformed and therefore ignored (RFC 9651, 4.2).
    """
    if want is None:
        return None
    preferences: dict[str, int] = {}
    for text in want.split(","):
        member = _MEMBER.fullmatch(text.strip(" \t"))
        if not member:
            return None
        preferences[member[1]] = int(member[2])
    return preferences.get(SHA_256)
