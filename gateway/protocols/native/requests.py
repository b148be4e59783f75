"""What requests say about uploads: name, size, digest, key, body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

from aiohttp import content_disposition_filename, parse_content_disposition

from gateway.keys import SETTINGS
from gateway.uploads.filenames import base_name
from shared.aggregation.json_reader import parse_aggregation, read_aggregation
from shared.aggregation.spec import SONG_PLAYS
from shared.errors import InvalidInput, UnsupportedMedia
from shared.http.request_body import json_body, raw_body, whole_number

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
    size: int | None
    """Bytes; None if that is not known yet."""
    sha256: str | None
    aggregation: Aggregation


async def declaration(request: web.Request) -> Declaration:
    """What the JSON body of a creation declares.

    Raises InvalidInput for what is missing, malformed or not known.
    """
    fields = await json_body(request, request.app[SETTINGS].client_timeout)
    if unknown := fields.keys() - set(_FIELDS):
        raise InvalidInput(
            f"unknown: {', '.join(sorted(unknown))}; an upload has {', '.join(_FIELDS)}",
            field=min(unknown),
        )
    name, size, sha256, aggregation = (fields.get(field) for field in _FIELDS)
    if not isinstance(name, str):
        raise InvalidInput(f"name is {name!r}; send the name of the file", field="name")
    if "size" not in fields:
        raise InvalidInput("size is missing; send null if it is not known yet", field="size")
    return Declaration(
        base_name(name, field="name"),
        None if size is None else _size(size),
        _sha256(sha256),
        SONG_PLAYS if aggregation is None else read_aggregation(aggregation, "aggregation"),
    )


async def told_size(request: web.Request) -> int:
    """The size that the JSON body `{"size": n}` tells. Raises InvalidInput."""
    fields = await json_body(request, request.app[SETTINGS].client_timeout)
    if unknown := fields.keys() - {"size"}:
        raise InvalidInput(
            f"{', '.join(sorted(unknown))} cannot be changed; only size can be told later",
            field=min(unknown),
        )
    return _size(fields.get("size"))


@dataclass(frozen=True, slots=True)
class Described:
    """What a request that carries a file, or the beginning of one, says of it."""

    filename: str
    aggregation: Aggregation
    key: str | None


def described(request: web.Request) -> Described:
    """Name (`?name=`, else Content-Disposition, RFC 6266), `?spec=` and Idempotency-Key of a file.

    Raises InvalidInput for what is missing or malformed.
    """
    given = request.query.get("name")
    if not given:
        with catch_warnings():
            simplefilter("ignore")  # of a malformed field, which then names no file
            _, parameters = parse_content_disposition(request.headers.get("Content-Disposition"))
            given = content_disposition_filename(parameters)
    if not given:
        raise InvalidInput(
            "the file has no name; add ?name= to the URL, or a filename in Content-Disposition",
            field="name",
        )
    spec = request.query.get("spec", "")
    return Described(
        base_name(given, field="name"),
        parse_aggregation(spec, "spec") if spec.strip() else SONG_PLAYS,
        idempotency_key(request),
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


def _size(value: object) -> int:
    whole = whole_number(value)
    if whole is None or whole < 0:
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        raise InvalidInput(
            f"size is {shown}; send the bytes of the file, a whole number", field="size"
        )
    return whole


def _sha256(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and _SHA256.fullmatch(value.lower()):
        return value.lower()
    raise InvalidInput(f"sha256 is {value!r}; send 64 hex digits, or nothing", field="sha256")
