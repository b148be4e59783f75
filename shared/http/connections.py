"""The state of the connection of a request."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


def client_disconnected(request: web.Request) -> bool:
    """Whether the client has disconnected, so that failing to answer it is not an error."""
    return request.transport is None or request.transport.is_closing()


def unacknowledged(socket: int) -> int:
    """Return the bytes that the peer of a socket has not acknowledged (SIOCOUTQ, tcp(7))."""
    import fcntl  # Linux only, as the callers
    import termios

    answer = fcntl.ioctl(socket, termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(answer, sys.byteorder)
