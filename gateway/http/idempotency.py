"""The Idempotency-Key of a request that may be repeated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.errors import InvalidInput

if TYPE_CHECKING:
    from aiohttp import web

MAX_KEY = 255
"""Characters of an Idempotency-Key."""

# Bytes that are not UTF-8 arrive as surrogates.
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f\x7f\ud800-\udfff]|\\["\\])*)"')
_BARE = re.compile(r"[!#-~]+")


def idempotency_key(request: web.Request) -> str | None:
    """Return the Idempotency-Key (draft-ietf-httpapi-idempotency-key-header, section 2.1).

    It is a quoted string, or the same without quotes, as many clients send it. Raises InvalidInput
    if it is neither, or too long.
    """
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return None
    text = header.strip()
    if match := _STRING.fullmatch(text):
        text = re.sub(r"\\(.)", r"\1", match[1])
    elif not _BARE.fullmatch(text):
        raise InvalidInput(
            f"Idempotency-Key {header!r} is not a string; send a UUID in quotes",
            field="Idempotency-Key",
        )
    if not 1 <= len(text) <= MAX_KEY:
        raise InvalidInput(
            f"Idempotency-Key has {len(text)} characters; send 1 to {MAX_KEY}",
            field="Idempotency-Key",
        )
    return text
