"""A client that does not look for an answer while it sends its request."""

from __future__ import annotations

import socket

PIECE = b"a,b,c\n" * 10_000
"""What the body consists of."""


def stubborn(address: tuple[str, int], head: str, size: int) -> bytes:
    """Send a request with a body of `size` bytes, then return all of the answer.

    Asks for the connection to be closed after it. Raises OSError if it is reset.
    """
    with socket.create_connection(address, timeout=60) as connection:
        fields = f"Host: 127.0.0.1\r\nConnection: close\r\nContent-Length: {size}"
        connection.sendall(f"{head}\r\n{fields}\r\n\r\n".encode())
        while size:
            size -= connection.send(PIECE[:size])
        answer = b""
        while received := connection.recv(65536):
            answer += received
    return answer
