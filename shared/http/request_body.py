"""The body of a request, whole or not at all."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

BROKEN_BODY = (
    web.RequestPayloadError,
    aiohttp.ClientError,
    HttpProcessingError,
    ConnectionError,
)
"""What aiohttp raises of a body that breaks off, or is not encoded as its header says."""

_DIGITS = 30
"""Of a number with an exponent: a few characters of JSON may stand for a billion digits."""


async def raw_body(request: web.Request, timeout: float) -> AsyncGenerator[bytes, None]:
    """The bytes of the body as they come in.

    Raises InvalidInput if it breaks off, or if nothing comes for `timeout` seconds.
    """
    received = 0
    try:
        while True:
            async with asyncio.timeout(timeout):
                piece = await request.content.readany()
            if not piece:
                break
            received += len(piece)
            yield piece
    except TimeoutError as error:
        raise InvalidInput(
            f"nothing came for {timeout:g} s after {received} bytes of the body"
        ) from error
    except BROKEN_BODY as error:
        raise InvalidInput(f"the body broke off after {received} bytes: {error}") from error
    if request.content_length not in (None, received):
        raise InvalidInput(
            f"the body has {received} bytes, announced were {request.content_length}"
        )


async def json_body(request: web.Request, timeout: float) -> dict[str, Any]:
    """The body as a JSON object. Numbers with a fraction or an exponent are Decimal: see
    `whole_number`.

    Raises InvalidInput if it is none, is unreasonably long, or does not come in `timeout` seconds.
    """
    try:
        async with asyncio.timeout(timeout):
            fields = json.loads(await request.read(), parse_float=Decimal)
    except (ValueError, RecursionError, TimeoutError, web.HTTPRequestEntityTooLarge) as error:
        raise InvalidInput(f"the body is no JSON: {error}") from error
    except BROKEN_BODY as error:
        raise InvalidInput(f"the body cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(fields, dict):
        raise InvalidInput("the body is no JSON object")
    return fields


def whole_number(value: object) -> int | None:
    """The integer that a value of `json_body` is, be it written 74 or 74.0; None if it is none.

    As JSON Schema has it (2020-12 Core, 4.2.3): what counts is the value of a number. None too for
    one of more than 30 digits in another form than plain digits.
    """
    if isinstance(value, Decimal) and value.adjusted() < _DIGITS and value == value.to_integral():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
