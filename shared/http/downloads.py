"""Answers GET and HEAD for something of which size and digest are known, as RFC 9110 has it.

The one implementation, used wherever bytes leave over HTTP: what is selected is decided by
`shared.http.ranges`, the bytes come from a source that knows ranges only. What is in a file of
this machine is sent by `shared.http.sendfile`.
"""

from __future__ import annotations

import hashlib
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from shared.blobs.content import in_pieces, once
from shared.http.conditions import IDENTITY, Representation, joined
from shared.http.content_codings import choose, encoded
from shared.http.digest_fields import digest_field, preference
from shared.http.multipart import Multipart, multipart
from shared.http.ranges import Selection, byte_ranges, select
from shared.http.sendfile import FilePart, by_file, takes_files
from shared.http.sending import stream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from shared.blobs.content import Content

P = TypeVar("P", bytes, bytes | FilePart)
"""In what a content goes out."""

DIGESTED_AT_ONCE = 1 << 20
"""Bytes of a partial answer whose Content-Digest is computed, if the client wants one: as much as
is held in memory before the header is sent."""

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
    source: Callable[[int, int], AbstractAsyncContextManager[Content]]
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
    content: AsyncGenerator[bytes | FilePart, None]
    if coding != IDENTITY:
        content = _encoded(_content(download, selection, frame, in_pieces), coding)
    elif _digests_at_once(request, selection, headers):
        digested = await _read(_content(download, selection, frame, in_pieces))
        response.headers["Content-Digest"] = digest_field(hashlib.sha256(digested).digest())
        content = once(digested)
    else:
        way = by_file if takes_files(request) else in_pieces
        content = _content(download, selection, frame, way)
    async with aclosing(content):
        # Until the first of it is there, an error can still be told by its status.
        first = await anext(content, b"")
        await stream(
            request,
            response,
            first,
            content,
            name=download.name,
            client_timeout=download.client_timeout,
            sent=download.sent,
        )
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


async def _content(
    download: Download,
    selection: Selection,
    frame: Multipart | None,
    way: Callable[[Content, int, int], AsyncGenerator[P, None]],
) -> AsyncGenerator[bytes | P, None]:
    """What is selected, each part of it in a way of taking a content."""
    parts = frame.parts if frame else [(b"", part) for part in selection.ranges]
    for head, part in parts:
        async with (
            download.source(part.start, part.stop) as content,
            aclosing(way(content, part.start, part.stop)) as pieces,
        ):
            if head:
                yield head
            async for piece in pieces:
                yield piece
    if frame:
        yield frame.end


async def _read(pieces: AsyncGenerator[bytes, None]) -> bytes:
    async with aclosing(pieces):
        return b"".join([piece async for piece in pieces])


async def _encoded(pieces: AsyncGenerator[bytes, None], coding: str) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces), aclosing(encoded(pieces, coding)) as ready:
        async for piece in ready:
            yield piece
