"""Text that every database accepts."""

from __future__ import annotations

import unicodedata


def storable(text: str, limit: int | None = None) -> str:
    """Return `text`, cut to `limit` characters, without what a database refuses.

    PostgreSQL refuses NUL, and UTF-8 has no lone surrogates: both become backslash escapes.
    """
    text = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def search_key(text: str) -> str:
    """Return a form of `text`, as it is stored, in which case and Unicode forms do not differ."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", storable(text)).casefold())
