"""Finds out whether a proxy on the way to a server passes on what a client sends, as it sends it.

A request without its body is sent to a URL that the server refuses by the head alone. If the answer
comes at once, no proxy on the way waits for the body.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from csvmill.client.errors import ConnectionLost
from csvmill.client.paths import UPLOADS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from csvmill.client.transport import Transport

WAIT = 3.0
"""Seconds without a response after which a proxy is assumed to wait for the body."""


async def early_status(transport: Transport, declared: int) -> int | None:
    """Return the status of a request with a body of `declared` bytes, of which none is sent.

    None if none comes within `WAIT` seconds. Raises ConnectionLost.
    """
    answered = asyncio.Event()

    async def nothing() -> AsyncIterator[bytes]:
        await answered.wait()
        yield b""

    fields = {"Content-Length": str(declared), "Content-Type": "application/octet-stream"}
    try:
        async with (
            asyncio.timeout(WAIT),
            transport.open_request(
                "PUT", f"{UPLOADS}?name=", data=nothing(), headers=fields
            ) as answer,
        ):
            return answer.status
    except TimeoutError:
        return None
    except aiohttp.ClientError as error:
        raise ConnectionLost(f"{transport.server}: {error}") from error
    finally:
        answered.set()
