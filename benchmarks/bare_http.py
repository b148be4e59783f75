"""An HTTP/1.1 client that costs little, so that a measurement is one of the server."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

LIMIT = 1 << 20
"""Bytes of the longest head of a response."""


class Connection:
    """One connection to a server, kept open. Use it as an async context manager."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        self._reader: StreamReader
        self._writer: StreamWriter

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(
            self._host, self._port, limit=LIMIT
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def body(self, method: str, path: str, content: bytes = b"") -> bytes:
        """Send a request, and return the content of its response.

        Raises RuntimeError if the status is not a success, or the response has no length.
        """
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n"
        if content:
            head += f"Content-Length: {len(content)}\r\n"
        self._writer.write(f"{head}\r\n".encode() + content)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        status, *fields = answer.decode("latin-1").split("\r\n")
        lengths = [
            int(value)
            for name, _, value in (field.partition(":") for field in fields)
            if name.lower() == "content-length"
        ]
        if not lengths:
            raise RuntimeError(f"{method} {path}: {status}, without a Content-Length")
        body = await self._reader.readexactly(lengths[0])
        if status.split()[1][0] != "2":
            raise RuntimeError(f"{method} {path}: {status}: {body.decode(errors='replace')}")
        return body

    async def json(self, method: str, path: str, content: bytes = b"") -> Any:
        """Send a request, and return the JSON of its response. Raises as `body`."""
        return json.loads(await self.body(method, path, content))
