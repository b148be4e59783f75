"""What requests say about uploads: name, size, digest, key, body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from gateway.filenames import base_name
from gateway.keys import SETTINGS
from shared.aggregation.spec import SONG_PLAYS
from shared.aggregation.wire import read_aggregation
from shared.errors import InvalidInput, UnsupportedMedia
from shared.request_body import json_body, raw_body, whole_number

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiohttp import web

    from shared.aggregation.spec import Aggregation

MAX_KEY = 255
"""Characters of an Idempotency-Key."""

_FIELDS = ("name", "size", "sha256", "aggregation")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f\x7f]|\\["\\])*)"')
_BARE = re.compile(r"[!#-~]+")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a client says of a file that it is going to send."""

    filename: str
    size: int
    """Bytes."""
    sha256: str | None
    aggregation: Aggregation


async def declaration(request: web.Request) -> Declaration:
    """What the JSON body of a creation declares.

    Raises InvalidInput for what is missing, malformed or not known, UnsupportedMedia if the body
    is no JSON.
    """
    if request.content_type != "application/json":
        raise UnsupportedMedia(
            f"the request is {request.content_type}; send application/json, "
            "or the file itself with ?name="
        )
    fields = await json_body(request, request.app[SETTINGS].client_timeout)
    if unknown := fields.keys() - set(_FIELDS):
        raise InvalidInput(
            f"unknown: {', '.join(sorted(unknown))}; an upload has {', '.join(_FIELDS)}",
            field=min(unknown),
        )
    name, size, sha256, aggregation = (fields.get(field) for field in _FIELDS)
    if not isinstance(name, str):
        raise InvalidInput(f"name is {name!r}; send the name of the file", field="name")
    whole = whole_number(size)
    if whole is None or whole < 0:
        shown = str(size) if isinstance(size, Decimal) else repr(size)
        raise InvalidInput(
            f"size is {shown}; send the bytes of the file, a whole number", field="size"
        )
    return Declaration(
        base_name(name, field="name"),
        whole,
        _sha256(sha256),
        SONG_PLAYS if aggregation is None else read_aggregation(aggregation, "aggregation"),
    )


def idempotency_key(request: web.Request) -> str | None:
    """The client's own name for what it makes (draft-ietf-httpapi-idempotency-key-header, 2.1).

    The draft's quoted string, or the same without quotes, as many clients send it. Raises
    InvalidInput if it is neither, or too long.
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


def plain_body(request: web.Request) -> AsyncGenerator[bytes, None]:
    """The bytes of a file in the body. Raises UnsupportedMedia if they are encoded.

    Iterating raises InvalidInput if the body breaks off, or the client stalls.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        raise UnsupportedMedia(f"Content-Encoding {encoding} is not taken; send the bytes as is")
    return raw_body(request, request.app[SETTINGS].client_timeout)


def _sha256(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and _SHA256.fullmatch(value.lower()):
        return value.lower()
    raise InvalidInput(f"sha256 is {value!r}; send 64 hex digits, or nothing", field="sha256")
