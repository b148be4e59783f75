"""Decodes the responses of storage. All functions raise StorageUnavailable if it breaks off."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aiohttp

from shared.blobs import codecs
from shared.errors import (
    BlobMoved,
    CsvmillError,
    StorageFull,
    StorageUnavailable,
    Unauthorized,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from shared.blobs.blob import BlobActivity, BlobInfo


async def lines(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """Yield the lines that are not empty, of any length."""
    head = bytearray()
    try:
        async for piece in response.content.iter_any():
            *lines, rest = piece.split(b"\n")
            for line in lines:
                head += line
                if head:
                    yield bytes(head)
                head.clear()
            head += rest
    except (aiohttp.ClientError, OSError) as error:
        raise unavailable(error) from error


async def last_line(lines: AsyncGenerator[bytes, None]) -> bytes:
    """Return the next line, after reading to the end of the response."""
    line = await anext(lines, b"")
    async for _ in lines:
        pass
    return line


def blob_of_line(line: bytes) -> BlobInfo:
    """Return the blob in a line of an answer; raise the error if it is a refusal."""
    with decoding(line):
        fields = json.loads(line)
        if "error" not in fields:
            return codecs.decode_info(fields["blob"])
        status, content = int(fields["status"]), json.dumps(fields["error"]).encode()
    raise refusal(status, content)


async def pieces_of(
    response: aiohttp.ClientResponse, expected: int | None = None
) -> AsyncGenerator[bytes, None]:
    """Yield the body, which has to have `expected` bytes, or any number if that is None."""
    received = 0
    try:
        async for piece in response.content.iter_any():
            received += len(piece)
            yield piece
    except (aiohttp.ClientError, OSError) as error:
        raise unavailable(error) from error
    if expected is not None and received != expected:
        raise StorageUnavailable(f"storage sent {received} bytes of {expected}")


async def content_of(response: aiohttp.ClientResponse) -> bytes:
    """Return the whole body."""
    try:
        async with response:
            return await response.read()
    except (aiohttp.ClientError, OSError) as error:
        raise unavailable(error) from error


async def info_of(response: aiohttp.ClientResponse) -> BlobInfo:
    """Return the blob that the body describes."""
    content = await content_of(response)
    with decoding(content):
        return codecs.decode_info(json.loads(content))


async def activities_of(response: aiohttp.ClientResponse) -> AsyncGenerator[BlobActivity, None]:
    """Yield the blobs of a walk."""
    try:
        async for line in response.content:
            with decoding(line):
                activity = codecs.decode_activity(line)
            yield activity
    except (aiohttp.ClientError, OSError) as error:
        raise unavailable(error) from error


@contextmanager
def decoding(content: bytes) -> Iterator[None]:
    """Turn errors of decoding `content` into StorageUnavailable."""
    try:
        yield
    except (ValueError, KeyError, TypeError, CsvmillError) as error:
        raise StorageUnavailable(f"not an answer of storage: {content[:200]!r}") from error


def refusal(status: int, content: bytes) -> CsvmillError:
    """Return the error that an unsuccessful response stands for."""
    try:
        error = codecs.decode_error(json.loads(content))
    except (ValueError, AttributeError):
        error = None
    if isinstance(error, BlobMoved):
        return error
    if error is None or isinstance(error, Unavailable):
        return StorageUnavailable(f"storage answered {status}: {error or content[:200]!r}")
    if isinstance(error, Unauthorized):
        return StorageUnavailable(
            f"storage refuses this service: {error}; CSVMILL_STORAGE_TOKEN has to have the same"
            " value on both sides"
        )
    if status >= 500 and not isinstance(error, StorageFull):
        return StorageUnavailable(f"storage answered {status}: {error}")
    return error


def unavailable(error: Exception) -> StorageUnavailable:
    """Return the error for a connection that failed or timed out."""
    # Timeouts of asyncio have no text.
    silent = isinstance(error, TimeoutError) and not str(error)
    described = "not in time" if silent else str(error) or type(error).__name__
    return StorageUnavailable(f"storage does not answer: {described}")
