"""Answers GET and HEAD for something of which size and digest are known, as RFC 9110 has it.

The one implementation, used wherever bytes leave over HTTP: what is selected is decided by
`shared.http_ranges`, the bytes come from a source that knows ranges only.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from shared.content_codings import choose, encoded
from shared.digest_fields import digest_field, preference
from shared.errors import CsvmillError
from shared.http_conditions import IDENTITY, Representation, joined
from shared.http_multipart import Multipart, multipart
from shared.http_ranges import Selection, byte_ranges, select

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

logger = logging.getLogger(__name__)

DIGESTED_AT_ONCE = 1 << 20
"""Bytes of a partial answer whose Content-Digest is computed, if the client wants one: as much as
is held in memory before the header is sent."""

_WRITE_BUFFER = 4 << 20
"""Bytes that wait for the client's socket at the most, so that reading and sending overlap."""

REFUSALS = {
    HTTPStatus.NOT_ACCEPTABLE: "There is no content coding that Accept-Encoding admits",
    HTTPStatus.PRECONDITION_FAILED: "What is there is not what the request's condition names",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "The requested range begins beyond the end",
}
"""What a request can be refused for, in words for people."""


@dataclass(frozen=True, slots=True)
class Download:
    """What can be downloaded."""

    representation: Representation
    content_type: str
    source: Callable[[int, int], AbstractAsyncContextManager[AsyncIterator[bytes]]]
    """Opens the bytes from a position to another."""
    refuse: Callable[[HTTPStatus, str], web.Response]
    """The body of 406, 412 and 416, in the dialect of whoever asks."""
    name: str
    """What it is called in the log."""
    sha256: str | None = None
    """Of the bytes, in hexadecimal."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further fields of 200 and 206."""
    cache_control: str | None = None
    codings: tuple[str, ...] = ()
    """Content codings that are offered; with none, Accept-Encoding is not looked at."""
    client_timeout: float | None = None
    """Seconds for which the client may take nothing before it is cut off; None is for ever."""
    sent: Callable[[int], None] = lambda _size: None
    """Told at the end how many bytes of content went out, however it ended."""


async def send(request: web.Request, download: Download) -> web.StreamResponse:
    """Answer a GET or HEAD: 200, 206, 304, 406, 412 or 416.

    What the source raises before its first byte comes out. What it raises later breaks the
    connection, and is logged: a clean end would look like the end of the content.
    """
    coding = _coding(request, download)
    if coding is None:
        return _refused(download, HTTPStatus.NOT_ACCEPTABLE, {})
    representation = download.representation.encoded(coding)
    selection = select(request.method, request.headers, representation)
    validators = representation.validators()
    if selection.status is HTTPStatus.NOT_MODIFIED:
        return web.Response(
            status=selection.status, headers={**validators, **_caching(download)}
        )  # RFC 9110, 15.4.5
    if selection.status >= HTTPStatus.BAD_REQUEST:
        return _refused(download, selection.status, validators, selection.content_range)
    headers = {
        **validators,
        **download.headers,
        **_caching(download),
        **_described(request, download, selection, coding),
    }
    frame = None
    if len(selection.ranges) > 1:
        frame = multipart(selection.ranges, selection.size, download.content_type)
        headers["Content-Type"] = frame.content_type
        headers["Content-Length"] = str(frame.length)
    response = web.StreamResponse(status=selection.status, headers=headers)
    if request.method == "HEAD":
        await response.prepare(request)
        return response
    async with aclosing(_content(download, selection, frame, coding)) as pieces:
        # Until the first of them is there, an error can still be told by its status.
        first = await anext(pieces, b"")
        if _digests_at_once(request, selection, headers):
            first += b"".join([piece async for piece in pieces])
            response.headers["Content-Digest"] = digest_field(hashlib.sha256(first).digest())
        await _stream(request, response, download, first, pieces)
    return response


def _coding(request: web.Request, download: Download) -> str | None:
    """The content coding to send; None if the client accepts none that there is."""
    if not download.codings:
        return IDENTITY
    asked = joined(request.headers, "Accept-Encoding")
    if request.method == "GET" and byte_ranges(joined(request.headers, "Range") or ""):
        # Only what is not encoded has ranges: whoever asks for one gets it, if they take that.
        return choose(asked, ()) or choose(asked, download.codings)
    return choose(asked, download.codings)


def _refused(
    download: Download,
    status: HTTPStatus,
    validators: Mapping[str, str],
    content_range: str | None = None,
) -> web.Response:
    response = download.refuse(status, REFUSALS[status])
    response.headers.update(validators)
    if download.codings:
        response.headers["Vary"] = "Accept-Encoding"
    if content_range:
        response.headers["Content-Range"] = content_range
    return response


def _caching(download: Download) -> dict[str, str]:
    fields = {}
    if download.cache_control:
        fields["Cache-Control"] = download.cache_control
    if download.codings:
        fields["Vary"] = "Accept-Encoding"
    return fields


def _described(
    request: web.Request, download: Download, selection: Selection, coding: str
) -> dict[str, str]:
    """The fields that say what the content is."""
    fields = {"Content-Type": download.content_type}
    if coding != IDENTITY:
        # Neither its length nor its digest is known before it has been sent.
        return {**fields, "Content-Encoding": coding}
    fields["Accept-Ranges"] = "bytes"
    if len(selection.ranges) == 1:
        fields["Content-Length"] = str(len(selection.ranges[0]))
    if selection.content_range:
        fields["Content-Range"] = selection.content_range
    if download.sha256 is not None:
        digest = digest_field(bytes.fromhex(download.sha256))
        if preference(joined(request.headers, "Want-Repr-Digest")) != 0:
            fields["Repr-Digest"] = digest
        # The content of an answer to HEAD is empty, and so is not what the digest is of.
        whole = selection.status is HTTPStatus.OK and request.method == "GET"
        if whole and preference(joined(request.headers, "Want-Content-Digest")) != 0:
            fields["Content-Digest"] = digest
    return fields


def _digests_at_once(
    request: web.Request, selection: Selection, headers: Mapping[str, str]
) -> bool:
    """Whether a part is to have a Content-Digest, and is small enough to be read beforehand."""
    return (
        selection.status is HTTPStatus.PARTIAL_CONTENT
        and int(headers["Content-Length"]) <= DIGESTED_AT_ONCE
        and bool(preference(joined(request.headers, "Want-Content-Digest")))
    )


def _content(
    download: Download, selection: Selection, frame: Multipart | None, coding: str
) -> AsyncGenerator[bytes, None]:
    if frame is not None:
        return _parts(download, frame)
    (part,) = selection.ranges
    bare = _part(download, part.start, part.stop)
    return bare if coding == IDENTITY else _encoded(bare, coding)


async def _part(download: Download, start: int, stop: int) -> AsyncGenerator[bytes, None]:
    async with download.source(start, stop) as pieces:
        async for piece in pieces:
            yield piece


async def _parts(download: Download, frame: Multipart) -> AsyncGenerator[bytes, None]:
    for head, part in frame.parts:
        async with download.source(part.start, part.stop) as pieces:
            yield head
            async for piece in pieces:
                yield piece
    yield frame.end


async def _encoded(pieces: AsyncGenerator[bytes, None], coding: str) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces), aclosing(encoded(pieces, coding)) as ready:
        async for piece in ready:
            yield piece


async def _stream(
    request: web.Request,
    response: web.StreamResponse,
    download: Download,
    first: bytes,
    pieces: AsyncIterator[bytes],
) -> None:
    await response.prepare(request)
    transport = request.transport
    if transport is None:
        return
    transport.set_write_buffer_limits(high=_WRITE_BUFFER)
    sent = 0
    watchdog = asyncio.create_task(_cut_off_if_stalled(request, transport, download.client_timeout))
    try:
        await response.write(first)
        sent = len(first)
        async for piece in pieces:
            await response.write(piece)
            sent += len(piece)
        await response.write_eof()
    except ConnectionError:
        logger.debug("%s: the client left in mid-download", download.name)
    except CsvmillError as error:
        transport.abort()
        logger.error("%s: the download was broken off: %s", download.name, error)  # noqa: TRY400
    except Exception:
        transport.abort()
        logger.exception("%s: the download was broken off", download.name)
    finally:
        watchdog.cancel()
        download.sent(sent)


async def _cut_off_if_stalled(
    request: web.Request, transport: asyncio.WriteTransport, client_timeout: float | None
) -> None:
    """Break a connection on which bytes wait and the client takes none."""
    taken = -1
    while client_timeout is not None:
        await asyncio.sleep(client_timeout)
        waiting = transport.get_write_buffer_size()
        before, taken = taken, request.writer.output_size - waiting
        if waiting and taken == before:
            logger.debug("%s: the client takes nothing", request.path)
            transport.abort()
            return
