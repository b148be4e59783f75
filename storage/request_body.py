"""The body of a request, whole or not at all."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RECEIVE_TIMEOUT = 120.0
"""Seconds without a byte after which a sender counts as gone."""


async def raw_body(request: web.Request) -> AsyncIterator[bytes]:
    """The bytes of the body as they come in. Raises InvalidInput if it breaks off."""
    received = 0
    try:
        while True:
            async with asyncio.timeout(RECEIVE_TIMEOUT):
                piece = await request.content.readany()
            if not piece:
                break
            received += len(piece)
            yield piece
    except TimeoutError as error:
        raise InvalidInput(
            f"nothing came for {RECEIVE_TIMEOUT:g} s after {received} bytes of the body"
        ) from error
    except (
        web.RequestPayloadError,
        aiohttp.ClientError,
        HttpProcessingError,
        ConnectionError,
    ) as error:
        raise InvalidInput(f"the body broke off after {received} bytes: {error}") from error
    if request.content_length not in (None, received):
        raise InvalidInput(
            f"the body has {received} bytes, announced were {request.content_length}"
        )


async def json_body(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object. Raises InvalidInput if it is none, or unreasonably long."""
    try:
        async with asyncio.timeout(RECEIVE_TIMEOUT):
            fields = json.loads(await request.read())
    except (ValueError, TimeoutError, web.HTTPRequestEntityTooLarge) as error:
        raise InvalidInput(f"the body is no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InvalidInput("the body is no JSON object")
    return fields
