"""A second address of object storage, as a proxy before it has, for tests of presigned URLs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PIECE = 1 << 16


@dataclass
class ObjectFront:
    """Forwards connections as they are, so that a request names this address as its host."""

    port: int = 0
    heads: list[dict[str, str]] = field(default_factory=list)
    """The header fields of each request, by name in lower case."""
    break_after: int | None = None
    """Bytes of the next answer after which its connection breaks."""
    held: asyncio.Event | None = None
    """If set, the next request is forwarded when this is; `waiting` tells that it is there."""
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def to(self, port: int) -> AsyncIterator[ObjectFront]:
        """Listen while the context is open, and forward to a port of this machine."""
        self._behind = port
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:  # only GET comes here, which has no body
                    head = await reader.readuntil(b"\r\n\r\n")
                    await self._forward(head, writer)
        finally:
            writer.close()

    async def _forward(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        lines = head.decode("latin-1").split("\r\n")[1:-2]
        self.heads.append(
            {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines)
            }
        )
        if self.held is not None:
            held, self.held = self.held, None
            self.waiting.set()
            await held.wait()
        left, self.break_after = self.break_after, None
        there, out = await asyncio.open_connection("127.0.0.1", self._behind)
        try:
            out.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            await out.drain()
            while piece := await there.read(PIECE if left is None else min(PIECE, left)):
                writer.write(piece)
                await writer.drain()
                left = None if left is None else left - len(piece)
                if left == 0:
                    break
        finally:
            out.close()
        raise ConnectionResetError  # the answer ends with the connection
