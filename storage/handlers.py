"""The handlers of the storage API; `shared.blobs.protocol` describes it."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from aiohttp import web

from shared.blobs.blob import BlobKey, parse_key
from shared.blobs.boot import boot_id
from shared.blobs.codecs import (
    Opening,
    decode_declaration,
    decode_metadata,
    decode_opening,
    decode_size,
    encode_activity,
    encode_answer,
    encode_append_lease,
    encode_info,
    encode_refusal,
)
from shared.blobs.protocol import (
    INODE_FIELD,
    START_FIELD,
    VERSION_FIELD,
    parse_interval,
    parse_seconds,
    parse_token,
    parse_wait,
)
from shared.errors import CsvmillError, InvalidInput
from shared.http.direct_chunks import DirectChunks
from shared.http.request_body import body_pieces, json_body, raw_body
from shared.http.response_body import send_body
from shared.http.sendfile import body_of
from shared.ports import Blobs
from shared.ports.adoption import AdoptsUploads
from storage.errors import log_refusal
from storage.signs_of_life import WriteResponse, with_empty_lines, with_signs_of_life

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Coroutine

    from shared.blobs.blob import BlobInfo
    from shared.blobs.content import FilePart, Growth
    from shared.blobs.socket_part import Piece

log = logging.getLogger(__name__)

READER_TIMEOUT = 3600.0
"""Seconds without progress after which a reader is disconnected. Long, because readers limit
themselves: a gateway whose client is slow fills its buffer before it reads on, and a processor
merges what it has spilled. This is for readers that hang."""
ADMISSION_TIMEOUT = 3600.0
"""Seconds until the first byte of a chunk. Long: the caller admits the chunk first, which may
verify a digest, and then waits for its own client with a timeout of its own."""
LINES = 1 << 16
"""Bytes of a list that are sent at once."""
MAX_OPENING = 1 << 20
"""Bytes; the metadata that it may carry are shorter."""

BLOBS: web.AppKey[Blobs] = web.AppKey("blobs", Blobs)
CLIENT_TIMEOUT: web.AppKey[float] = web.AppKey("client_timeout", float)
"""Seconds without a byte after which a sender counts as disconnected."""


async def create(request: web.Request) -> web.Response:
    """Declare a blob."""
    key = _key(request)
    fields = await json_body(request, request.app[CLIENT_TIMEOUT])
    declared = decode_declaration(fields)
    info = await request.app[BLOBS].create(
        key, declared.size, sha256=declared.sha256, metadata=declared.metadata
    )
    return web.json_response(encode_info(info))


async def declare_size(request: web.Request) -> web.Response:
    """Declare the size of a blob that was created without one."""
    fields = await json_body(request, request.app[CLIENT_TIMEOUT])
    size = decode_size(fields.get("size"))
    declaring = request.app[BLOBS].declare_size(_key(request), size)
    return web.json_response(encode_info(await with_signs_of_life(request, declaring)))


async def lease_append(request: web.Request) -> web.Response:
    """Grant an append lease."""
    leasing = request.app[BLOBS].lease_append(_key(request))
    return web.json_response(encode_append_lease(await with_signs_of_life(request, leasing)))


async def assemble(request: web.Request) -> web.Response:
    """Make a blob of the bytes of others."""
    fields = await json_body(request, request.app[CLIENT_TIMEOUT])
    parts = fields.get("parts")
    if not isinstance(parts, list):
        raise InvalidInput("parts is not a list of keys", field="parts")
    keys = [parse_key(str(part)) for part in parts]
    assembling = request.app[BLOBS].assemble(
        _key(request), keys, metadata=decode_metadata(fields.get("metadata"))
    )
    return web.json_response(encode_info(await with_signs_of_life(request, assembling)))


async def info(request: web.Request) -> web.Response:
    """Describe a blob."""
    blobs = request.app[BLOBS]
    look = blobs.peek if "peek" in request.query else blobs.info
    return web.json_response(encode_info(await look(_key(request))))


async def write(request: web.Request) -> web.StreamResponse:
    """Create or lease a blob if asked to, describe it, and take a chunk."""
    key, offset, blobs = _key(request), int(request.match_info["offset"]), request.app[BLOBS]
    response = WriteResponse()
    with DirectChunks(request) as direct:
        opening, waits, chunk = await _opening(request, direct)

        async def admit(blob: BlobInfo) -> None:
            await response.prepare(request)
            if waits:
                direct.begin()
            await response.write(encode_answer(blob))

        work: Coroutine[object, object, BlobInfo]
        if opening.append:
            work = blobs.append(
                key, offset, chunk, token=opening.token, whole=opening.whole, admit=admit
            )
        else:
            work = blobs.write(key, offset, chunk, declaration=opening.declaration, admit=admit)
        try:
            last = encode_answer(await with_empty_lines(response, work))
        except CsvmillError as error:
            if not response.prepared:
                raise
            log_refusal(request, error)
            response.outcome = error.internal_status
            last = encode_refusal(error)
        finally:
            await chunk.aclose()
    await response.write_eof(last)
    return response


async def write_raw(request: web.Request) -> web.Response:
    """Take a chunk that is the whole body."""
    key, offset = _key(request), int(request.match_info["offset"])
    token, blobs = parse_token(request.query.get("token")), request.app[BLOBS]
    body = body_pieces(request, request.app[CLIENT_TIMEOUT])
    if token is not None:
        keep = "keep" in request.query
        chunk = blobs.append(key, offset, body, token=token, whole=not keep)
    else:
        chunk = blobs.write(key, offset, body)
    return web.json_response(encode_info(await with_signs_of_life(request, chunk)))


async def read(request: web.Request) -> web.StreamResponse:
    """Send exactly the interval of bytes that the query names, or its length for HEAD."""
    key = _key(request)
    start, stop = parse_interval(request.query)
    async with request.app[BLOBS].open(key, start, stop) as content:
        response = web.StreamResponse()
        response.content_type = "application/octet-stream"
        response.content_length = content.size
        response.headers[START_FIELD] = str(start)
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        return await send_body(
            request,
            response,
            body_of(request, content),
            name=f"blob {key}",
            client_timeout=READER_TIMEOUT,
        )


async def follow(request: web.Request) -> web.StreamResponse:
    """Send the bytes of a blob from an offset on as they arrive, or how many there are."""
    key = _key(request)
    start, _ = parse_interval(request.query)
    version, wait = request.query.get("version"), parse_wait(request.query.get("wait"))
    async with request.app[BLOBS].follow(key, start, version=version, wait=wait) as growth:
        response = web.StreamResponse(headers={VERSION_FIELD: growth.version})
        response.content_type = "application/octet-stream"
        body = _pieces(growth)
        boot = request.query.get("boot")
        if boot is not None and boot == boot_id() and growth.parts is not None:
            response.headers[INODE_FIELD] = str(growth.inode)
            response.content_type = "text/plain"
            body = _ends(growth.parts)
        response.enable_chunked_encoding()
        await response.prepare(request)  # the first byte may take long to arrive
        await send_body(
            request,
            response,
            body,
            name=f"blob {key}",
            client_timeout=READER_TIMEOUT,
        )
    return response


async def delete(request: web.Request) -> web.Response:
    """Remove a blob; with `idle_for`, only if it was idle for so many seconds (`Blobs.expire`)."""
    idle_for = request.query.get("idle_for")
    if idle_for is None:
        await with_signs_of_life(request, request.app[BLOBS].delete(_key(request)))
        return web.Response(status=204)
    used = request.query.get("used")
    expiring = request.app[BLOBS].expire(
        _key(request),
        idle_for=parse_seconds("idle_for", idle_for),
        used=None if used is None else parse_seconds("used", used),
    )
    removed = await with_signs_of_life(request, expiring)
    return web.json_response({"removed": removed})


async def walk(request: web.Request) -> web.StreamResponse:
    """List the blobs of a kind, one a line, as fast as the caller reads."""
    kind, blobs = request.query.get("kind", ""), request.app[BLOBS]
    here = "here" in request.query
    walking = blobs.walk_here if here and isinstance(blobs, AdoptsUploads) else blobs.walk
    async with walking(kind) as found:
        response = web.StreamResponse()
        response.content_type = "application/x-ndjson"
        await response.prepare(request)
        lines = bytearray()
        try:
            async for activity in found:
                lines += encode_activity(activity)
                if len(lines) >= LINES:
                    await response.write(bytes(lines))
                    lines.clear()
        except CsvmillError as error:
            log_refusal(request, error, "aborted: ")
            # The status was sent: only a broken connection can still report the failure.
            if request.transport is not None:
                request.transport.abort()
            return response
        await response.write_eof(bytes(lines))
    return response


async def ping(request: web.Request) -> web.Response:
    """Answer 204 if blobs can be used now, with `room` if uploads have space too.

    With `shared`, if the server can be one of several too.
    """
    await request.app[BLOBS].ping()
    if "shared" in request.query and not isinstance(request.app[BLOBS], AdoptsUploads):
        raise InvalidInput(
            "this storage server keeps its blobs to itself, so it cannot be one of several: set"
            " CSVMILL_BLOBS to the object storage that all of them share"
        )
    if "room" in request.query:
        await request.app[BLOBS].check_room()
    return web.Response(status=204)


async def _opening(
    request: web.Request, direct: DirectChunks
) -> tuple[Opening, bool, AsyncGenerator[Piece, None]]:
    """Read the first line of the body; return it with the rest. Raises InvalidInput.

    Also returns whether nothing of the rest has arrived: then `direct` may read it.
    """
    timeout, head = request.app[CLIENT_TIMEOUT], bytearray()
    body = raw_body(request, timeout)
    while b"\n" not in head:
        piece = await anext(body, b"")
        if not piece or len(head) > MAX_OPENING:
            raise InvalidInput(f"the first {len(head)} bytes of the body are not an opening line")
        head += piece
    line, _, rest = bytes(head).partition(b"\n")

    async def chunk() -> AsyncGenerator[Piece, None]:
        if rest:
            yield rest
        pieces = body_pieces(
            request,
            timeout,
            received=len(head),
            first_timeout=timeout if rest else ADMISSION_TIMEOUT,
            direct=direct,
        )
        async with aclosing(pieces):
            async for each in pieces:
                yield each

    return decode_opening(line), request.content.total_bytes == len(head), chunk()


async def _pieces(growth: Growth) -> AsyncGenerator[bytes, None]:
    async for piece in growth:
        yield piece


async def _ends(parts: AsyncIterator[FilePart]) -> AsyncGenerator[bytes, None]:
    async for part in parts:
        yield b"%d\n" % part.stop


def _key(request: web.Request) -> BlobKey:
    return parse_key(request.match_info["key"])
