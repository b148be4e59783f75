"""What storage sends while work lasts, so that silence always means a failure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from shared.blobs.protocol import PROCESSING_INTERVAL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

T = TypeVar("T")


class WriteResponse(web.StreamResponse):
    """A response that counts and logs as `outcome`, which is known only after 200 was sent."""

    outcome: int | None = None

    def __init__(self) -> None:
        super().__init__(headers={"Content-Type": "application/x-ndjson"})

    @property
    def status(self) -> int:
        """What is logged and counted; 200 was sent."""
        return self.outcome or super().status


async def with_signs_of_life(request: web.Request, work: Coroutine[object, object, T]) -> T:
    """Do `work`; while it lasts after the body has been read, send `102 Processing`."""

    async def send() -> None:
        if request.content.is_eof() and request.transport is not None:
            request.transport.write(b"HTTP/1.1 102 Processing\r\n\r\n")

    return await _with_heartbeat(send, work)


async def with_empty_lines(response: web.StreamResponse, work: Coroutine[object, object, T]) -> T:
    """Do `work`; while it lasts after the response was begun, send empty lines."""

    async def send() -> None:
        if response.prepared:
            await response.write(b"\n")

    return await _with_heartbeat(send, work)


async def _with_heartbeat(
    send: Callable[[], Awaitable[None]], work: Coroutine[object, object, T]
) -> T:
    task = asyncio.ensure_future(work)
    try:
        while True:
            done, _ = await asyncio.wait([task], timeout=PROCESSING_INTERVAL)
            if done:
                return task.result()
            await send()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
