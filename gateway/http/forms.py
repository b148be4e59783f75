"""A multipart/form-data body (RFC 7578), read part by part, strictly and in bounded memory.

aiohttp's reader does the splitting. This adds what it leaves open: a body that ends before its
closing boundary is an error (the reader returns empty pieces first, which look like an end),
a client that stalls is cut off, and names are read from any Content-Disposition that browsers send.
"""

from __future__ import annotations

import asyncio
from email.message import Message
from typing import TYPE_CHECKING, cast

from aiohttp import BodyPartReader, MultipartReader

from shared.errors import InvalidInput
from shared.http.request_body import BROKEN_BODY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from typing import Self, TypeVar

    from aiohttp import web

    T = TypeVar("T")

PIECE = 256 * 1024
"""Bytes read at a time; larger is slower, as the reader copies each piece."""
MAX_PARTS = 64
MAX_FIELD_SIZE = 4096
"""Bytes that the value of a field may have."""
_UNENCODED = ("7bit", "8bit", "binary")


class Part:
    """One part of a form: to be read, or skipped, before the next is asked for."""

    def __init__(self, reader: BodyPartReader, client_timeout: float) -> None:
        self._reader = reader
        self._client_timeout = client_timeout
        params = _disposition(reader.headers.get("Content-Disposition", ""))
        self.name = params.get("name")
        self.filename = params.get("filename")
        self.size = 0
        """Bytes of the content that have been read."""

    async def pieces(self) -> AsyncIterator[bytes]:
        """The content. Raises InvalidInput if the body ends, or stalls, before the part does."""
        while not self._reader.at_eof():
            piece = await _read(self._reader.read_chunk(PIECE), self._client_timeout)
            if piece:
                self.size += len(piece)
                yield piece

    async def text(self, limit: int = MAX_FIELD_SIZE) -> str:
        """The content as a field's value of up to `limit` bytes, in UTF-8. Raises InvalidInput."""
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

    async def skip(self) -> None:
        """Read to the end of the part and forget it."""
        async for _ in self.pieces():
            pass


class Form:
    """The parts of a request's body, in order: `async for part in form`.

    The iteration ends only after the closing boundary; anything else raises InvalidInput. It can
    be left and taken up again.
    """

    def __init__(self, request: web.Request, *, client_timeout: float) -> None:
        if request.content_type != "multipart/form-data":
            raise InvalidInput(
                f"the request is {request.content_type}; send a multipart/form-data form"
            )
        try:
            self._reader = MultipartReader(request.headers, request.content)
        except ValueError as error:
            raise InvalidInput(f"the Content-Type is malformed: {error}") from error
        self._client_timeout = client_timeout
        self._parts = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Part:
        reader = await _read(self._reader.next(), self._client_timeout)
        if reader is None:
            raise StopAsyncIteration
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidInput(f"the form has more than {MAX_PARTS} parts")
        if not isinstance(reader, BodyPartReader):
            raise InvalidInput("a part of the form is itself multipart; send each part plainly")
        encoding = reader.headers.get("Content-Transfer-Encoding", "binary")
        if encoding.strip().lower() not in _UNENCODED:
            raise InvalidInput(
                f"Content-Transfer-Encoding {encoding} is not supported (RFC 7578, 4.7); "
                "send the bytes as they are"
            )
        part = Part(reader, self._client_timeout)
        if part.name is None:
            raise InvalidInput("a part of the form has no name in its Content-Disposition")
        return part


async def _read(reading: Coroutine[object, object, T], client_timeout: float) -> T:
    try:
        async with asyncio.timeout(client_timeout):
            return await reading
    except TimeoutError as error:
        raise InvalidInput(
            f"the client sent nothing for {client_timeout:g} s; send the chunk again"
        ) from error
    except (*BROKEN_BODY, ValueError, RuntimeError) as error:
        # All that aiohttp's reader raises; the RuntimeError is about a malformed `_charset_` part.
        raise InvalidInput(
            f"the form ended early or is malformed ({' '.join(str(error).split())}); "
            "send the chunk again"
        ) from error


def _disposition(header: str) -> dict[str, str]:
    """The parameters of a Content-Disposition, names in lower case.

    Quoted strings are read as browsers write them: a backslash is a backslash, unless it escapes
    a quote or another backslash. `filename*` wins over `filename` (RFC 6266, 4.3).
    """
    message = Message()
    message["Content-Disposition"] = header
    plain: dict[str, str] = {}
    extended: dict[str, str] = {}
    # typeshed knows nothing of the tuples in which RFC 2231 values come.
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
                raise InvalidInput(f"{name}* is not in the charset it names") from error
        else:
            # What was not UTF-8 arrives as surrogates, which no database takes.
            text = value.encode(errors="surrogateescape").decode(errors="replace")
            plain.setdefault(name.lower(), text)
    return plain | extended
