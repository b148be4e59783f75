"""Answer GET and HEAD requests for a file whose size and digest are known (RFC 9110).

The only implementation of conditions, ranges, content codings and digests of downloads. Which
bytes are sent is decided by `shared.http.ranges`; the source only opens intervals of bytes. A
file of this machine is sent by `shared.http.sendfile`.
"""

from __future__ import annotations

import hashlib
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from shared.blobs.content import FilePart, single_piece
from shared.errors import CsvmillError, NotAcceptable, PreconditionFailed, RangeNotSatisfiable
from shared.http.conditions import IDENTITY, Representation, field_value
from shared.http.content_codings import encode_stream, negotiate_coding
from shared.http.digest_fields import digest_field, sha256_preference
from shared.http.multipart_byteranges import MultipartByteranges, frame_ranges
from shared.http.ranges import Selection, parse_byte_ranges, select
from shared.http.redirection import may_redirect, redirection
from shared.http.response_body import send_body
from shared.http.sendfile import body_of, read_pieces

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from shared.blobs.content import Content
    from shared.http.least_rate import LeastRate

Piece = TypeVar("Piece", bytes, bytes | FilePart)

MAX_BUFFERED_DIGEST = 1 << 20
"""Bytes of the largest 206 that gets a Content-Digest, which must be known before the body is
sent: the body is held in memory."""

VARY = "Accept-Encoding, Accept, Sec-Fetch-Mode"
"""The request fields that select a content coding."""

REFUSALS: dict[type[CsvmillError], str] = {
    NotAcceptable: "No content coding that Accept-Encoding allows is available",
    PreconditionFailed: "The file does not match the condition of the request",
    RangeNotSatisfiable: "The requested range begins beyond the end",
}
"""The message of each error with which `send_download` refuses a request."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that can be downloaded."""

    representation: Representation
    content_type: str
    source: Callable[[int, int], AbstractAsyncContextManager[Content]]
    """Opens the bytes `start..stop`."""
    refuse: Callable[[CsvmillError], web.Response]
    """Builds the response of an error in `REFUSALS`, in the error format of the API."""
    name: str
    """The name of the file in the log."""
    sha256: str | None = None
    """Hex digest of the bytes."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further header fields of 200 and 206."""
    cache_control: str | None = None
    codings: tuple[str, ...] = ()
    """Content codings to offer. If empty, Accept-Encoding is ignored."""
    client_timeout: float | None = None
    """Seconds without progress after which a client is disconnected; None is no limit."""
    least_rate: LeastRate | None = None
    """The rate below which a client is disconnected; None is no limit."""
    elsewhere: Callable[[], Awaitable[str | None]] | None = None
    """Returns a URL of the same bytes, to which plain requests are redirected; None if there is
    none now."""
    on_sent: Callable[[int], None] = lambda _size: None
    """Called at the end with the number of body bytes sent, even if the transfer failed."""


async def send_download(request: web.Request, download: Download) -> web.StreamResponse:
    """Answer a GET or HEAD request with 200, 206, 304, 307, 406, 412 or 416.

    Errors of the source before its first byte are raised. Later ones break the connection and are
    logged, as a clean end would look like the end of the file.
    """
    coding = _coding(request, download)
    if coding is None:
        return _refused(download, NotAcceptable, {})
    representation = download.representation.encoded(coding)
    selection = select(request.method, request.headers, representation)
    validators = representation.validators()
    if selection.status is HTTPStatus.NOT_MODIFIED:
        return web.Response(
            status=selection.status, headers={**validators, **_caching(download)}
        )  # RFC 9110, 15.4.5
    if selection.status >= HTTPStatus.BAD_REQUEST:
        failed = selection.status is HTTPStatus.PRECONDITION_FAILED
        kind = PreconditionFailed if failed else RangeNotSatisfiable
        return _refused(download, kind, validators, selection.content_range)
    if download.elsewhere is not None and may_redirect(request, selection, coding):
        url = await download.elsewhere()
        if url is not None:
            return redirection(url)
    headers = {
        **validators,
        **download.headers,
        **_caching(download),
        **_content_headers(request, download, selection, coding),
    }
    frame = None
    if len(selection.ranges) > 1:
        frame = frame_ranges(selection.ranges, selection.size, download.content_type)
        headers["Content-Type"] = frame.content_type
        headers["Content-Length"] = str(frame.length)
    response = web.StreamResponse(status=selection.status, headers=headers)
    if request.method == "HEAD":
        await response.prepare(request)
        return response
    body: AsyncGenerator[bytes | FilePart, None]
    if coding != IDENTITY:
        body = _encoded(_body(download, selection, frame, read_pieces), coding)
    elif _wants_digest_of_part(request, selection, headers):
        content = await _read(_body(download, selection, frame, read_pieces))
        response.headers["Content-Digest"] = digest_field(hashlib.sha256(content).digest())
        body = single_piece(content)
    else:
        body = _body(download, selection, frame, lambda content: body_of(request, content))
    return await send_body(
        request,
        response,
        body,
        name=download.name,
        client_timeout=download.client_timeout,
        least_rate=download.least_rate,
        on_sent=download.on_sent,
    )


def _coding(request: web.Request, download: Download) -> str | None:
    """Return the content coding to send; None if the client accepts none of those offered."""
    if not download.codings:
        return IDENTITY
    accepted = field_value(request.headers, "Accept-Encoding")
    part = request.method == "GET" and parse_byte_ranges(
        field_value(request.headers, "Range") or ""
    )
    if part or _is_navigation(request):
        # Ranges exist in the identity coding only, so that is preferred if the client accepts it.
        return negotiate_coding(accepted, ()) or negotiate_coding(accepted, download.codings)
    return negotiate_coding(accepted, download.codings)


def _is_navigation(request: web.Request) -> bool:
    """Whether a browser follows a link or its user has entered the URL.

    It saves the answer as a file, which it can resume only without a content coding, although it
    accepts one in each of its requests. It sends `Sec-Fetch-Mode` to secure origins only.
    """
    accepted = field_value(request.headers, "Accept") or ""
    return request.headers.get("Sec-Fetch-Mode") == "navigate" or "text/html" in accepted.lower()


def _refused(
    download: Download,
    kind: type[CsvmillError],
    validators: Mapping[str, str],
    content_range: str | None = None,
) -> web.Response:
    response = download.refuse(kind(REFUSALS[kind]))
    response.headers.update(validators)
    if download.codings:
        response.headers["Vary"] = VARY
    if content_range:
        response.headers["Content-Range"] = content_range
    return response


def _caching(download: Download) -> dict[str, str]:
    fields = {}
    if download.cache_control:
        fields["Cache-Control"] = download.cache_control
    if download.codings:
        fields["Vary"] = VARY
    return fields


def _content_headers(
    request: web.Request, download: Download, selection: Selection, coding: str
) -> dict[str, str]:
    """Return the header fields that describe the content: type, length, range, digests."""
    fields = {"Content-Type": download.content_type}
    if coding != IDENTITY:
        # Length and digest of the encoded bytes are not known before they have been sent.
        return {**fields, "Content-Encoding": coding}
    fields["Accept-Ranges"] = "bytes"
    if len(selection.ranges) == 1:
        fields["Content-Length"] = str(len(selection.ranges[0]))
    if selection.content_range:
        fields["Content-Range"] = selection.content_range
    if download.sha256 is not None:
        digest = digest_field(bytes.fromhex(download.sha256))
        if sha256_preference(field_value(request.headers, "Want-Repr-Digest")) != 0:
            fields["Repr-Digest"] = digest
        # The content of an answer to HEAD is empty, so its digest is another (RFC 9530, B.2).
        whole = selection.status is HTTPStatus.OK and request.method == "GET"
        if whole and sha256_preference(field_value(request.headers, "Want-Content-Digest")) != 0:
            fields["Content-Digest"] = digest
    return fields


def _wants_digest_of_part(
    request: web.Request, selection: Selection, headers: Mapping[str, str]
) -> bool:
    """Whether to send a Content-Digest with a 206: it is wanted, and the part is small enough."""
    return (
        selection.status is HTTPStatus.PARTIAL_CONTENT
        and int(headers["Content-Length"]) <= MAX_BUFFERED_DIGEST
        and bool(sha256_preference(field_value(request.headers, "Want-Content-Digest")))
    )


async def _body(
    download: Download,
    selection: Selection,
    frame: MultipartByteranges | None,
    take: Callable[[Content], AsyncGenerator[Piece, None]],
) -> AsyncGenerator[bytes | Piece, None]:
    """Yield the selected parts, each opened when it is due, and what frames them."""
    parts = frame.parts if frame else [(b"", part) for part in selection.ranges]
    for head, part in parts:
        async with (
            download.source(part.start, part.stop) as content,
            aclosing(take(content)) as pieces,
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
    async with aclosing(pieces), aclosing(encode_stream(pieces, coding)) as encoded:
        async for piece in encoded:
            yield piece
