"""Read request bodies; an incomplete body is an error."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing, contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from shared.blobs.socket_part import bytes_of, size_of
from shared.errors import BodyTooSlow, InvalidInput
from shared.http.direct_body import direct_pieces, unparsed_bytes
from shared.http.expectation import invite
from shared.http.held_bytes import held_bytes
from shared.http.least_rate import RateMeter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from shared.blobs.socket_part import Piece
    from shared.http.direct_chunks import DirectChunks
    from shared.http.least_rate import LeastRate

BROKEN_BODY = (
    web.RequestPayloadError,
    aiohttp.ClientError,
    HttpProcessingError,
    ConnectionError,
)
"""What aiohttp raises when a body ends early or is not encoded as its header says."""

READ_AHEAD = 2 << 20
"""Bytes of a body that are passed on at a time: as many as are read ahead."""
_MAX_DIGITS = 30
"""Digits of a number with an exponent: `1e1000000000` is short in JSON and huge in memory."""


class BodyMeter:
    """Measures the time in which a body is waited for, and the bytes that arrive in it."""

    def __init__(self, least: LeastRate | None) -> None:
        self._least = least
        self._meter = None if least is None or not least.rate else RateMeter(least)
        self._waited = 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A context in which the client is waited for."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._waited += time.monotonic() - started

    def received(self, size: int) -> None:
        """Count bytes that have arrived. Raises BodyTooSlow."""
        waited, self._waited = self._waited, 0.0
        if self._least and self._meter and self._meter.too_slow(waited, size):
            raise BodyTooSlow(
                f"the body arrives with less than {self._least.rate:g} bytes a second"
            )


async def raw_body(
    request: web.Request, timeout: float, *, received: int = 0, least: LeastRate | None = None
) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of the body as they arrive. Raises as `body_pieces`."""
    async with aclosing(body_pieces(request, timeout, received=received, least=least)) as pieces:
        async for piece in pieces:
            if content := bytes_of(piece):
                yield content


async def body_pieces(
    request: web.Request,
    timeout: float,
    *,
    received: int = 0,
    least: LeastRate | None = None,
    first_timeout: float | None = None,
    direct: DirectChunks | None = None,
) -> AsyncGenerator[Piece, None]:
    """Yield the body as it arrives, after the `received` bytes read before.

    While a client is fast, the pieces of a large body are parts of the socket. Of a body in chunked
    coding they can be if its reading was begun with `direct`. `first_timeout` is that of the first
    piece.

    Raises InvalidInput if the body ends early or no byte arrives for `timeout` seconds, and
    BodyTooSlow if fewer arrive than `least` demands.
    """
    meter = BodyMeter(least)
    try:
        async with aclosing(_pieces(request, direct)) as pieces:
            allowed = timeout if first_timeout is None else first_timeout
            while True:
                with meter.waiting():
                    async with asyncio.timeout(allowed):
                        piece = await anext(pieces, b"")
                if not piece:
                    break
                allowed = timeout
                yield piece
                received += size_of(piece)
                meter.received(size_of(piece))
    except TimeoutError as error:
        raise InvalidInput(
            f"no byte of the body arrived for {allowed:g} s after {received} bytes"
        ) from error
    except BROKEN_BODY as error:
        raise InvalidInput(f"the body ended early, after {received} bytes: {error}") from error
    if request.content_length not in (None, received):
        raise InvalidInput(
            f"the body has {received} bytes, Content-Length declares {request.content_length}"
        )


async def _pieces(request: web.Request, direct: DirectChunks | None) -> AsyncGenerator[Piece, None]:
    """Yield what the parser has received, and the rest of a large body from the socket."""
    await invite(request)
    if direct is not None:
        async with aclosing(direct.pieces()) as parts:
            async for part in parts:
                yield part
    held = held_bytes(request)
    while piece := await request.content.read(held.most_at_a_time(READ_AHEAD)):
        while piece:
            held.pass_on(len(piece))
            try:
                yield piece
            finally:
                held.pass_on(0)
            piece = request.content.read_nowait(held.most_at_a_time(READ_AHEAD))
        if size := unparsed_bytes(request):
            async with aclosing(direct_pieces(request, size)) as pieces:
                async for each in pieces:
                    yield each
            return


async def json_body(request: web.Request, timeout: float) -> dict[str, Any]:
    """Parse the body as a JSON object.

    Numbers with a fraction or an exponent become Decimal: see `whole_number`. Raises InvalidInput
    if the body is not a JSON object, is too large, or does not arrive within `timeout` seconds.
    """
    await invite(request)
    try:
        async with asyncio.timeout(timeout):
            fields = json.loads(await request.read(), parse_float=Decimal)
    except (ValueError, RecursionError, TimeoutError, web.HTTPRequestEntityTooLarge) as error:
        raise InvalidInput(f"the body is not JSON: {error}") from error
    except BROKEN_BODY as error:
        raise InvalidInput(f"the body cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(fields, dict):
        raise InvalidInput("the body is not a JSON object")
    return fields


def whole_number(value: object) -> int | None:
    """Return a value of `json_body` as an integer if it is one, written 74 or 74.0; else None.

    JSON Schema compares numbers by value (2020-12 Core, 4.2.3). Also returns None for a number
    with a fraction or exponent that has more than 30 digits.
    """
    if (
        isinstance(value, Decimal)
        and value.adjusted() < _MAX_DIGITS
        and value == value.to_integral()
    ):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
