"""Bytes of a request body that are still in the socket, passed on as a piece of the body.

The adapter that stores the piece can let a thread copy it from the socket to a file. A function
that needs its bytes reads it. So everything between the connection and the file can count, limit
and refuse pieces without touching their bytes.
"""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

WORTH_READING = 1 << 20
"""Bytes that are waited for, so that a fast client does not cost a step for each of its packets."""
ARRIVAL_TIMEOUT = 0.02
"""Seconds for which so many bytes are waited for. After them, any byte will do."""
PIECE = 1 << 20
"""Bytes that are read at a time."""
BUFFER = 256 << 10
"""Bytes that are copied at a time: few enough to stay in the processor's cache in between."""

_BUFFERS = threading.local()


class IncomingBytes:
    """What has arrived at a non-blocking socket. Used by one task or thread at a time.

    The socket counts as readable with fewer bytes than were asked for if the peer disconnects. A
    context: afterwards, it is readable with any byte again.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self._enough = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.readable_with(1)

    def receive(self, most: int) -> bytes:
        """Return at most `most` bytes of the body; none if the peer has disconnected.

        Raises BlockingIOError if none have arrived, and OSError if the connection is broken.
        """
        return self.socket.recv(most)

    def receive_into(self, buffer: memoryview) -> int:
        """Fill the buffer, or its start, and return the bytes of that. Raises as `receive`."""
        return self.socket.recv_into(buffer)

    def worth(self, most: int) -> int:
        """Return for how many bytes it is worth to wait, if `most` may be taken.

        0 if no byte can be taken, as another part of the connection has to be read first.
        """
        return min(WORTH_READING, most)

    def has(self, count: int, *, within: float = 0) -> bool:
        """Whether `count` bytes arrive within so many seconds, or the peer has disconnected."""
        self.readable_with(count)
        return bool(self._poll.poll(within * 1000))

    def readable_with(self, count: int) -> None:
        """Let the socket become readable with so many bytes. Linux only; elsewhere with one."""
        if count != self._enough:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
            self._enough = count


class SocketPart:
    """The next bytes of a body: at most `most`, of which some have arrived.

    They are taken with `read` or `move`, one call of either, before the next piece of the body is
    asked for. What is not taken belongs to the next piece.
    """

    def __init__(self, incoming: IncomingBytes, most: int) -> None:
        self._incoming = incoming
        self.most = most
        """Bytes that are taken at most."""
        self.taken = 0
        """Bytes that were taken."""
        self.ended = False
        """Whether the peer has disconnected after the bytes that were taken."""
        self.failure: OSError | None = None
        """How the connection broke, if it did. Raised when the next piece is asked for."""

    def narrow(self, most: int) -> None:
        """Take no more than `most` bytes."""
        self.most = min(self.most, most)

    def read(self) -> bytes:
        """Return bytes that have arrived, up to 1 MiB; none if the peer has disconnected."""
        try:
            content = self._incoming.receive(min(self.most, PIECE))
        except BlockingIOError:
            return b""
        except OSError as error:
            self.failure = error
            return b""
        self.taken, self.ended = len(content), not content
        return content

    def move(self, write: Callable[[memoryview, int], object]) -> None:
        """Pass the bytes to `write` as they arrive; call this in a thread.

        `write` gets a buffer, which is used again after the call, and how many bytes of the part
        were before it; what it raises is raised. Ends early if the peer disconnects, or sends
        little for a moment: a thread waits only for peers that are fast.
        """
        buffer = _buffer()
        while self.taken < self.most:
            share = self._incoming.worth(self.most - self.taken)
            if not share or not self._incoming.has(share, within=ARRIVAL_TIMEOUT):
                return
            end = self.taken + share
            while self.taken < end:
                size = self._receive(buffer[: end - self.taken])
                if not size:
                    return
                write(buffer[:size], self.taken)
                self.taken += size

    def _receive(self, buffer: memoryview) -> int:
        """Receive what has arrived; 0 if that is nothing, or the peer has disconnected."""
        try:
            size = self._incoming.receive_into(buffer)
        except BlockingIOError:
            return 0
        except OSError as error:
            self.failure = error
            return 0
        self.ended = not size
        return size


Piece: TypeAlias = bytes | SocketPart
"""A piece of a body."""


def size_of(piece: Piece) -> int:
    """Return the bytes of a piece; of a part of a socket, those that were taken."""
    return piece.taken if isinstance(piece, SocketPart) else len(piece)


def most_of(piece: Piece) -> int:
    """Return how many bytes a piece may have at most, before it is taken."""
    return piece.most if isinstance(piece, SocketPart) else len(piece)


def bytes_of(piece: Piece) -> bytes:
    """Return the bytes of a piece, which are taken from the socket if they are there."""
    return piece.read() if isinstance(piece, SocketPart) else piece


def _buffer() -> memoryview:
    """Return the buffer of this thread."""
    buffer: memoryview | None = getattr(_BUFFERS, "buffer", None)
    if buffer is None:
        buffer = _BUFFERS.buffer = memoryview(bytearray(BUFFER))
    return buffer
