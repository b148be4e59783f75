"""What storage does for each URL."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from shared.blobs.blob import BlobKey, parse_key
from shared.blobs.protocol import (
    PROCESSING_INTERVAL,
    encode_activity,
    encode_append_lease,
    encode_info,
    parse_idle_for,
    parse_interval,
    parse_token,
)
from shared.errors import CsvmillError, InvalidInput
from shared.http.request_body import json_body, raw_body
from shared.http.response_body import send_body
from shared.http.sendfile import body_of
from shared.ports import Blobs

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

log = logging.getLogger(__name__)

READER_TIMEOUT = 3600.0
"""Seconds without progress after which a reader is disconnected. Long, because readers limit
themselves: a gateway whose client is slow fills its buffer before it reads on, and a processor
merges what it has spilled. This is for readers that hang."""
LINES = 1 << 16
"""Bytes of a list that are sent at once."""

BLOBS: web.AppKey[Blobs] = web.AppKey("blobs", Blobs)
CLIENT_TIMEOUT: web.AppKey[float] = web.AppKey("client_timeout", float)
"""Seconds without a byte after which a sender counts as gone."""


async def create(request: web.Request) -> web.Response:
    """Declare a blob."""
    key = _key(request)
    fields = await json_body(request, request.app[CLIENT_TIMEOUT])
    size, sha256, metadata = (fields.get(name) for name in ("size", "sha256", "metadata"))
    size = None if size is None else _bytes(size)
    if sha256 is not None and not isinstance(sha256, str):
        raise InvalidInput(f"sha256 {sha256!r} is neither text nor null", field="sha256")
    info = await request.app[BLOBS].create(key, size, sha256=sha256, metadata=_texts(metadata))
    return web.json_response(encode_info(info))


async def declare_size(request: web.Request) -> web.Response:
    """Tell the size of a blob that was declared without."""
    fields = await json_body(request, request.app[CLIENT_TIMEOUT])
    size = _bytes(fields.get("size"))
    declaring = request.app[BLOBS].declare_size(_key(request), size)
    return web.json_response(encode_info(await _with_signs_of_life(request, declaring)))


async def lease_append(request: web.Request) -> web.Response:
    """Begin a turn of appending."""
    taking_over = request.app[BLOBS].lease_append(_key(request))
    return web.json_response(encode_append_lease(await _with_signs_of_life(request, taking_over)))


async def assemble(request: web.Request) -> web.Response:
    """Put blobs together to one."""
    fields = await json_body(request, request.app[CLIENT_TIMEOUT])
    parts = fields.get("parts")
    if not isinstance(parts, list):
        raise InvalidInput("parts is not a list of keys", field="parts")
    keys = [parse_key(str(part)) for part in parts]
    assembling = request.app[BLOBS].assemble(
        _key(request), keys, metadata=_texts(fields.get("metadata"))
    )
    return web.json_response(encode_info(await _with_signs_of_life(request, assembling)))


async def info(request: web.Request) -> web.Response:
    """Describe a blob."""
    blobs = request.app[BLOBS]
    look = blobs.peek if "peek" in request.query else blobs.info
    return web.json_response(encode_info(await look(_key(request))))


async def write(request: web.Request) -> web.Response:
    """Take a chunk."""
    offset = int(request.match_info["offset"])
    token, blobs = parse_token(request.query.get("token")), request.app[BLOBS]
    body = raw_body(request, request.app[CLIENT_TIMEOUT])
    if token is not None and "keep" in request.query:
        chunk = blobs.append(_key(request), offset, body, token=token)
    else:
        chunk = blobs.write(_key(request), offset, body, token=token)
    return web.json_response(encode_info(await _with_signs_of_life(request, chunk)))


async def read(request: web.Request) -> web.StreamResponse:
    """Send exactly the interval of bytes that the query names, or its length for HEAD."""
    key = _key(request)
    start, stop = parse_interval(request.query)
    async with request.app[BLOBS].open(key, start, stop) as content:
        response = web.StreamResponse()
        response.content_type = "application/octet-stream"
        response.content_length = content.size
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        await send_body(
            request,
            response,
            body_of(request, content),
            name=f"blob {key}",
            client_timeout=READER_TIMEOUT,
        )
    return response


async def delete(request: web.Request) -> web.Response:
    """Remove a blob; with `idle_for`, only one that was idle for so long."""
    idle_for = request.query.get("idle_for")
    if idle_for is None:
        await _with_signs_of_life(request, request.app[BLOBS].delete(_key(request)))
        return web.Response(status=204)
    expiring = request.app[BLOBS].expire(_key(request), idle_for=parse_idle_for(idle_for))
    removed = await _with_signs_of_life(request, expiring)
    return web.json_response({"removed": removed})


async def walk(request: web.Request) -> web.StreamResponse:
    """List the blobs of a kind, one a line, as fast as the caller takes them."""
    async with request.app[BLOBS].walk(request.query.get("kind", "")) as found:
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
            log.exception("GET %s: broken off", request.path)
            # The status is out: only a broken connection can still say that this went wrong,
            # and this is how aiohttp is told to break it.
            raise ConnectionResetError from error
        await response.write_eof(bytes(lines))
    return response


async def ping(request: web.Request) -> web.Response:
    """Say whether blobs can be used, to a caller whose token is right."""
    await request.app[BLOBS].ping()
    return web.Response(status=204)


def _bytes(size: object) -> int:
    if not isinstance(size, int) or isinstance(size, bool):
        raise InvalidInput(f"size {size!r} is not a number of bytes", field="size")
    return size


def _texts(metadata: object) -> dict[str, str]:
    metadata = {} if metadata is None else metadata
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise InvalidInput("metadata is not an object of texts", field="metadata")
    return metadata


def _key(request: web.Request) -> BlobKey:
    return parse_key(request.match_info["key"])


async def _with_signs_of_life(request: web.Request, work: Coroutine[object, object, T]) -> T:
    """Do `work`; while it goes on after the body has been read, send `102 Processing`."""
    task = asyncio.ensure_future(work)
    try:
        while True:
            done, _ = await asyncio.wait([task], timeout=PROCESSING_INTERVAL)
            if done:
                return task.result()
            if request.content.is_eof() and request.transport is not None:
                request.transport.write(b"HTTP/1.1 102 Processing\r\n\r\n")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
