"""Read multipart/form-data bodies (RFC 7578) part by part, strictly and in bounded memory.

On top of aiohttp's reader: a body that ends before its closing boundary is an error (the reader
returns empty pieces, which look like an end), a stalled client is refused, and names are parsed
from every Content-Disposition that browsers send.
"""

from __future__ import annotations

import asyncio
from email.message import Message
from typing import TYPE_CHECKING, cast

from aiohttp import BodyPartReader, MultipartReader

from shared.errors import InvalidInput
from shared.http.expectation import invite
from shared.http.held_bytes import HeldBytes, held_bytes
from shared.http.request_body import BROKEN_BODY, BodyMeter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from typing import Self, TypeVar

    from aiohttp import web

    from shared.http.least_rate import LeastRate

    T = TypeVar("T")

PIECE = 256 * 1024
"""Bytes read at a time. More is slower, as the reader copies each piece."""
MAX_PARTS = 64
"""Parts of the largest form."""
MAX_FIELD_SIZE = 4096
"""Bytes of the longest value of a field."""
MAX_SEMICOLONS = 100
"""In a Content-Disposition: the time to parse it grows with their number times its length."""
_UNENCODED = ("7bit", "8bit", "binary")


class Part:
    """A part of a form, which must be read or skipped before the next part is requested."""

    def __init__(
        self, reader: BodyPartReader, client_timeout: float, meter: BodyMeter, held: HeldBytes
    ) -> None:
        self._reader = reader
        self._client_timeout = client_timeout
        self._meter = meter
        self._held = held
        params = _disposition(reader.headers.get("Content-Disposition", ""))
        self.name = params.get("name")
        self.filename = params.get("filename")
        self.size = 0
        """Bytes of the content read so far."""

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the content. Raises InvalidInput if the body ends or stalls before its end."""
        while not self._reader.at_eof():
            with self._meter.waiting():
                piece = await _read(
                    self._reader.read_chunk(self._held.most_at_a_time(PIECE)), self._client_timeout
                )
            self._meter.received(len(piece))
            if piece:
                self.size += len(piece)
                self._held.pass_on(len(piece))
                try:
                    yield piece
                finally:
                    self._held.pass_on(0)

    async def text(self, limit: int = MAX_FIELD_SIZE) -> str:
        """Return the content as text. Raises InvalidInput beyond `limit` bytes, or if not UTF-8."""
        value = bytearray()
        async for piece in self.pieces():
            value += piece
            if len(value) > limit:
                raise InvalidInput(
                    f"field {self.name} is longer than {limit} bytes", field=self.name
                )
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"field {self.name} is not UTF-8", field=self.name) from error

    async def short_text(self, limit: int) -> str | None:
        """Return the content as text; None if it has more than `limit` bytes, or is not UTF-8."""
        value = bytearray()
        async for piece in self.pieces():
            value += piece[: limit + 1 - len(value)]
        try:
            return value.decode() if len(value) <= limit else None
        except UnicodeDecodeError:
            return None

    async def skip(self) -> None:
        """Read and discard the rest of the part."""
        async for _ in self.pieces():
            pass


class Form:
    """The parts of a request body, in order: `async for part in form`.

    The iteration ends after the closing boundary; anything else raises InvalidInput, and a body
    that is slower than `least` BodyTooSlow. It may be interrupted and resumed.
    """

    def __init__(
        self, request: web.Request, *, client_timeout: float, least: LeastRate | None = None
    ) -> None:
        if request.content_type != "multipart/form-data":
            raise InvalidInput(f"the body is {request.content_type}; send multipart/form-data")
        try:
            self._reader = MultipartReader(request.headers, request.content)
        except ValueError as error:
            raise InvalidInput(f"the Content-Type is malformed: {error}") from error
        self._request = request
        self._client_timeout = client_timeout
        self._parts = 0
        self._meter = BodyMeter(least)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Part:
        await invite(self._request)
        with self._meter.waiting():
            reader = await _read(self._reader.next(), self._client_timeout)
        self._meter.received(0)
        if reader is None:
            raise StopAsyncIteration
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidInput(f"the form has more than {MAX_PARTS} parts")
        if not isinstance(reader, BodyPartReader):
            raise InvalidInput(
                "a part of the form is itself multipart; send parts that are not nested"
            )
        encoding = reader.headers.get("Content-Transfer-Encoding", "binary")
        if encoding.strip().lower() not in _UNENCODED:
            raise InvalidInput(
                f"Content-Transfer-Encoding {encoding} is not supported (RFC 7578, 4.7); "
                "send the bytes as they are"
            )
        part = Part(reader, self._client_timeout, self._meter, held_bytes(self._request))
        if part.name is None:
            raise InvalidInput("a part of the form has no name in its Content-Disposition")
        return part


async def _read(step: Coroutine[object, object, T], client_timeout: float) -> T:
    try:
        async with asyncio.timeout(client_timeout):
            return await step
    except TimeoutError as error:
        raise InvalidInput(
            f"no byte arrived for {client_timeout:g} s; send the chunk again"
        ) from error
    except (*BROKEN_BODY, ValueError, RuntimeError) as error:
        # All errors of aiohttp's reader. RuntimeError means a malformed `_charset_` part.
        raise InvalidInput(
            f"the form ended early or is malformed ({' '.join(str(error).split())}); "
            "send the chunk again"
        ) from error


def _disposition(header: str) -> dict[str, str]:
    """Parse the parameters of a Content-Disposition; their names become lower-case.

    Quoted strings are parsed as browsers write them: a backslash is literal unless it escapes a
    quote or another backslash. `filename*` takes precedence over `filename` (RFC 6266, 4.3).
    """
    if header.count(";") > MAX_SEMICOLONS:
        raise InvalidInput(
            f"the Content-Disposition of a part has more than {MAX_SEMICOLONS} semicolons"
        )
    message = Message()
    message["Content-Disposition"] = header
    plain: dict[str, str] = {}
    extended: dict[str, str] = {}
    # typeshed does not declare the tuples of RFC 2231 values.
    params = cast(
        "list[tuple[str, str | tuple[str | None, str | None, str]]]",
        message.get_params([], header="Content-Disposition"),
    )
    for name, value in params[1:]:
        if isinstance(value, tuple):
            charset, _, raw = value
            try:
                extended[name.lower()] = raw.encode("latin-1").decode(charset or "us-ascii")
            except (LookupError, UnicodeError) as error:
                raise InvalidInput(f"{name}* is not in the charset that it declares") from error
        else:
            # Bytes that are not UTF-8 arrive as surrogates, which databases refuse.
            text = value.encode(errors="surrogateescape").decode(errors="replace")
            plain.setdefault(name.lower(), text)
    return plain | extended
