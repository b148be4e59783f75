"""Read a large body in chunked coding (RFC 9112 section 7.1) from the socket of its connection.

As `direct_body`, without a length: chunks are taken whole from the socket, in which the parser of
aiohttp finds what follows them, at the latest the last chunk, of size 0. So the connection can be
used for the next request.
"""

from __future__ import annotations

import asyncio
import re
import select
import socket
from contextlib import ExitStack, aclosing
from typing import TYPE_CHECKING, Self

from shared.blobs.socket_part import SocketPart
from shared.http.direct_body import (
    LARGEST_PART,
    AwaitedBytes,
    Turns,
    check_open,
    duplicate_socket,
)
from shared.http.held_bytes import HeldBytes, held_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiohttp import web

    from shared.blobs.socket_part import Piece

WORTH_TAKING = 256 << 10
"""Bytes of the first chunk from which on the parser is not asked."""
_MOST_DIGITS = 15
_LONGEST_HEAD = _MOST_DIGITS + 4
"""Bytes: the end of the line before, the digits of a size, the end of the line."""
_SEES_ENDS = hasattr(select, "POLLRDHUP")
"""Whether the end of a connection is seen while bytes before it were not taken: on Linux."""
_PAUSE = 0.001
"""Seconds between looks at a socket that is readable early, as Linux does when it lacks memory."""
_HEAD = re.compile(rb"\r?\n?([0-9A-Fa-f]{1,15})\r\n")
_CUT_HEAD = re.compile(rb"\r?\n?[0-9A-Fa-f]{0,15}\r?")


class DirectChunks:
    """The chunks of a request's body that follow what was read so far.

    A context, at whose end aiohttp reads the connection again.
    """

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._stack = ExitStack()
        self._chunked: _ChunkedBytes | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def begin(self) -> None:
        """Take the connection over from aiohttp, if that is possible.

        Call it when the parser has received all that the client has sent, and the client waits for
        an answer before it sends more. Raises ConnectionResetError if the connection is closed.
        """
        request = self._request
        transport = request.transport
        if (
            request.content_length is None
            and "Content-Encoding" not in request.headers
            and _SEES_ENDS
            and transport is not None
            and transport.get_extra_info("sslcontext") is None
            and transport.get_extra_info("socket") is not None
        ):
            duplicate = self._stack.enter_context(duplicate_socket(request))
            held = held_bytes(request)
            self._chunked = self._stack.enter_context(_ChunkedBytes(duplicate, held))
            request.protocol.pause_reading()

    def release(self) -> None:
        """Let aiohttp read the connection again, if it does not."""
        chunked, self._chunked = self._chunked, None
        if chunked is None:
            return
        continues = chunked.ends_at_head()
        if not continues:
            # The parser does not know what was taken of this chunk: the connection is closed.
            self._request.protocol.close()
        self._stack.close()
        self._request.protocol.resume_reading(resume_parser=continues)

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Yield the bytes of chunks, then release the connection.

        The parser finds the rest of the body, at least its end. Raises ConnectionResetError if the
        client disconnects within a chunk, OSError if the connection breaks.
        """
        try:
            if self._chunked is not None:
                async with aclosing(_parts(self._request, self._chunked)) as parts:
                    async for part in parts:
                        yield part
        finally:
            self.release()


async def _parts(request: web.Request, chunked: _ChunkedBytes) -> AsyncGenerator[Piece, None]:
    turns, held = Turns(), held_bytes(request)
    await chunked.readable()
    if chunked.next_size() < WORTH_TAKING:
        return
    while True:
        worth = chunked.worth(LARGEST_PART)
        if not worth:
            if await chunked.more_of_head():
                continue
            chunked.check_end()
            return
        if not chunked.has(worth):
            await chunked.arrived()
            check_open(request)
        part = SocketPart(chunked, held.most_at_a_time(LARGEST_PART))
        piece: Piece = part if chunked.has(worth) else part.read()
        try:
            if piece:
                yield piece
        finally:
            held.pass_on(0)
        if part.failure is not None:
            raise part.failure
        if part.ended:
            raise ConnectionResetError("the connection was closed within a chunk")
        await turns.after(part.taken)


class _ChunkedBytes(AwaitedBytes):
    """The bytes of chunks, without what is between them.

    At the end of a chunk, no byte can be taken until the head of the next one has arrived.
    """

    def __init__(self, connection: socket.socket, held: HeldBytes) -> None:
        super().__init__(connection, held)
        self.left = 0
        """Bytes of the chunk that were not received yet."""
        self._taken = False
        """Whether a chunk was taken: then the end of its line is before the next head."""

    def worth(self, most: int) -> int:
        """See `IncomingBytes`. No more than the rest of a chunk."""
        return super().worth(min(most, self.left or self.next_size()))

    def has(self, count: int, *, within: float = 0) -> bool:
        """See `IncomingBytes`."""
        head = None if self.left else self._head()
        return super().has(count + (0 if head is None else head.end()), within=within)

    def receive(self, most: int) -> bytes:
        """See `IncomingBytes`."""
        content = super().receive(min(most, self._chunk()))
        self.left -= len(content)
        return content

    def receive_into(self, buffer: memoryview) -> int:
        """See `IncomingBytes`."""
        size = super().receive_into(buffer[: self._chunk()])
        self.left -= size
        return size

    def next_size(self) -> int:
        """Return the bytes of the next chunk; 0 if its head has not arrived, or it is the last."""
        head = self._head()
        return 0 if head is None else int(head[1], 16)

    async def more_of_head(self) -> bool:
        """Wait for more of the next head; return whether it may begin a chunk.

        It does not if it is that of the last chunk, or no head, or the connection has ended.
        """
        before = self._peeked()
        if (head := _HEAD.match(before)) is not None:
            return int(head[1], 16) > 0  # the rest has arrived since the caller looked
        if not _CUT_HEAD.fullmatch(before):
            return False
        self.readable_with(len(before) + 1)
        await self.readable()
        ended = self._ended()  # before the look: what arrived before the end is seen by it
        if len(self._peeked()) > len(before):
            return True
        await asyncio.sleep(_PAUSE)
        return not ended

    def check_end(self) -> None:
        """Raise ConnectionResetError unless the last chunk, or the parser, is to follow."""
        head = self._head()
        if self._taken and (head is None or int(head[1], 16)):
            raise ConnectionResetError(f"no chunk begins with {self._peeked()!r}")

    def ends_at_head(self) -> bool:
        """Whether what follows is the head of a chunk, after the end of the line before it."""
        if self._taken and not self.left and self._peeked().startswith(b"\r\n"):
            self.socket.recv(2)
            self._taken = False
        return not self._taken

    def _chunk(self) -> int:
        """Return what is left of this chunk, or of the next one, whose head is taken."""
        if not self.left:
            head = self._head()
            if head is None or not (size := int(head[1], 16)):
                raise BlockingIOError
            self.socket.recv(head.end())
            self.left, self._taken = size, True
        return self.left

    def _ended(self) -> bool:
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)  # and POLLHUP and POLLERR, always
        return bool(poll.poll(0))

    def _head(self) -> re.Match[bytes] | None:
        return _HEAD.match(self._peeked())

    def _peeked(self) -> bytes:
        """Return what may be the head of a chunk, and leave it where it is."""
        try:
            return self.socket.recv(_LONGEST_HEAD, socket.MSG_PEEK)
        except BlockingIOError:
            return b""
