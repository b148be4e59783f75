"""Trailer fields of requests (RFC 9110, 6.5), which aiohttp reads past and does not show.

They are the last bytes of a chunked body (RFC 9112, 7.1.2), so that the last bytes which a
connection received hold them once the body has been read to its end.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, cast

from aiohttp import web
from multidict import CIMultiDict

from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 8 << 10
"""Bytes of a request's trailer section."""

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_LAST_CHUNK = re.compile(rb"0+[ \t]*(?:;.*)?")


class TrailerRunner(web.AppRunner):
    """Runs an application whose handlers can ask for `trailers` of their requests."""

    @property
    def server(self) -> web.Server | None:
        """What makes the protocol of each connection."""
        server = super().server
        return None if server is None else cast("web.Server", lambda: _Connection(server))


def declares_trailer(request: web.Request, name: str) -> bool:
    """Whether `Trailer` (RFC 9110, 6.6.2) announces a field of this name."""
    announced = ",".join(request.headers.getall("Trailer", []))
    return name.lower() in (part.strip().lower() for part in announced.split(","))


def trailers(request: web.Request) -> CIMultiDict[str]:
    """The trailer fields of a request whose body has been read to its end; often none.

    Raises InvalidInput if they cannot be told from what surrounds them: where they are larger than
    `LIMIT`, or the next request has followed without waiting for the answer.
    """
    transport = request.transport
    connection = transport.get_protocol() if transport else None
    if not isinstance(connection, _Connection):
        raise InvalidInput("trailers are not taken here; send the field as a header")
    return _parsed(connection.last_bytes)


def _parsed(received: bytes) -> CIMultiDict[str]:
    # The first line may have been cut: it proves nothing.
    lines = received.split(b"\r\n")[1:]
    found: CIMultiDict[str] = CIMultiDict()
    if lines[-2:] != [b"", b""]:
        raise _illegible()
    for line in reversed(lines[:-2]):
        if _LAST_CHUNK.fullmatch(line):
            return found
        match = _LINE.fullmatch(line)
        if not match:
            break
        found.add(match[1].decode("ascii"), match[2].decode("utf-8", "surrogateescape").rstrip())
    raise _illegible()


def _illegible() -> InvalidInput:
    return InvalidInput(
        f"the trailers cannot be read; send up to {LIMIT} bytes of them, and the next request "
        "after the answer"
    )


class _Connection(asyncio.Protocol):
    """A connection's protocol as aiohttp made it, and the last bytes that it was given."""

    def __init__(self, make: Callable[[], asyncio.Protocol]) -> None:
        self._protocol = make()
        self._last = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`, as for all that is only passed on."""
        self._protocol.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Passed on."""
        self._protocol.connection_lost(exc)

    def eof_received(self) -> bool | None:
        """Passed on."""
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        """Passed on."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Passed on."""
        self._protocol.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Keep the end of it, and pass it on."""
        kept = LIMIT - len(data)
        self._last = self._last[-kept:] + data if kept > 0 else data[-LIMIT:]
        self._protocol.data_received(data)

    @property
    def last_bytes(self) -> bytes:
        """Up to `LIMIT` of the bytes that were received last."""
        return self._last
