"""Bytes that arrive at a socket, as parts of it."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from shared.blobs.socket_part import IncomingBytes, SocketPart, bytes_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterator

    from shared.blobs.socket_part import Piece


@contextmanager
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield both ends of a TCP connection: one that sends, and a non-blocking one that receives."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as sender,
    ):
        receiver, _ = server.accept()
        with receiver:
            receiver.setblocking(False)
            yield sender, receiver


async def parts_of(
    content: bytes, *, most: int = 1 << 30, taken: list[int] | None = None
) -> AsyncGenerator[Piece, None]:
    """Send the content through a socket, and yield parts of it of at most `most` bytes.

    Adds to `taken` how many bytes of each part were taken. The caller closes the generator.
    """
    with connection() as (sender, receiver), IncomingBytes(receiver) as incoming:
        sending = threading.Thread(target=_send, args=(sender, content))
        sending.start()
        try:
            left = len(content)
            while left:
                await asyncio.to_thread(incoming.has, 1, within=10)
                part = SocketPart(incoming, min(most, left))
                yield part
                left -= part.taken
                if taken is not None:
                    taken.append(part.taken)
        finally:
            with suppress(OSError):
                sender.shutdown(socket.SHUT_RDWR)
            sending.join()


def _send(sender: socket.socket, content: bytes) -> None:
    with suppress(OSError):
        sender.sendall(content)


async def joined(data: AsyncIterable[Piece]) -> bytes:
    """Return the bytes of all pieces."""
    return b"".join([bytes_of(piece) async for piece in data])
