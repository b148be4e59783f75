"""Trailer fields of requests (RFC 9110, 6.5), which aiohttp discards.

They are the last bytes of a chunked body (RFC 9112, 7.1.2). So once the body has been read to its
end, they are among the last bytes that the connection received.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, cast

from aiohttp import web
from multidict import CIMultiDict

from shared.errors import InvalidInput
from shared.http.connection_limits import Addresses, ConnectionLimits
from shared.http.held_bytes import AllHeldBytes
from shared.http.server_connection import LAST_BYTES, Connection
from shared.http.staged_close import StagedClose

LIMIT = LAST_BYTES
"""Bytes of the largest trailer section that can be read."""

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_LAST_CHUNK = re.compile(rb"0+[ \t]*(?:;.*)?")


class TrailerRunner(web.AppRunner):
    """Runs an application whose handlers can call `request_trailers`, within limits."""

    def __init__(
        self, app: web.Application, *, limits: ConnectionLimits | None = None, **options: Any
    ) -> None:
        super().__init__(app, **options)
        self._limits = limits or ConnectionLimits()
        self._addresses = Addresses(self._limits)
        self._closing = StagedClose()
        self._held = AllHeldBytes(self._limits.most_held)

    @property
    def server(self) -> web.Server | None:
        """Creates the protocol of each connection."""
        server = super().server
        return None if server is None else cast("web.Server", lambda: self._connect(server))

    async def cleanup(self) -> None:
        """See `web.BaseRunner`; also close the connections that are being closed in stages."""
        await super().cleanup()
        await self._closing.stop()

    def _connect(self, server: web.Server) -> Connection:
        return Connection(
            server,
            limits=self._limits,
            addresses=self._addresses,
            closing=self._closing,
            held=self._held,
            loop=asyncio.get_running_loop(),
            **server._kwargs,
        )


def declares_trailer(request: web.Request, name: str) -> bool:
    """Whether `Trailer` (RFC 9110, 6.6.2) declares a trailer field of this name."""
    declared = ",".join(request.headers.getall("Trailer", []))
    return name.lower() in (part.strip().lower() for part in declared.split(","))


def request_trailers(request: web.Request) -> CIMultiDict[str]:
    """Return the trailer fields of a request whose body has been read to its end; often none.

    Raises InvalidInput if they cannot be found in the last bytes received: they are larger than
    `LIMIT`, or the client sent its next request without waiting for the response.
    """
    transport = request.transport
    connection = transport.get_protocol() if transport else None
    if not isinstance(connection, Connection):
        raise InvalidInput("trailers are not supported here; send the field as a header")
    return _parsed(connection.last_bytes)


def _parsed(received: bytes) -> CIMultiDict[str]:
    # The first line may be incomplete, so it is not used.
    lines = received.split(b"\r\n")[1:]
    found: CIMultiDict[str] = CIMultiDict()
    if lines[-2:] != [b"", b""]:
        raise _unreadable()
    for line in reversed(lines[:-2]):
        if _LAST_CHUNK.fullmatch(line):
            return found
        match = _LINE.fullmatch(line)
        if not match:
            break
        found.add(match[1].decode("ascii"), match[2].decode("utf-8", "surrogateescape").rstrip())
    raise _unreadable()


def _unreadable() -> InvalidInput:
    return InvalidInput(
        f"the trailers cannot be read; send at most {LIMIT} bytes of trailers, and send the next "
        "request after the response"
    )
