"""Writing blobs by requests to the storage service."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import aiohttp

from shared.blobs import codecs, protocol, responses
from shared.blobs.connection import StorageConnection
from shared.blobs.request_bodies import ChunkBody, Exchange
from shared.errors import ChunkOutOfBounds, CsvmillError, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Mapping, Sequence

    from shared.blobs.blob import Admit, AppendLease, BlobInfo, BlobKey, Declaration
    from shared.blobs.socket_part import Piece

REFUSAL_TIMEOUT = 1.0
"""Seconds for the end of the response to a refused chunk; then the connection is closed."""

_CLOSED_MEANWHILE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class HttpBlobWriting(StorageConnection):
    """Creates blobs and writes their bytes. See `shared.ports.Blobs`."""

    async def create(
        self,
        key: BlobKey,
        size: int | None,
        *,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlobInfo:
        """See the port."""
        declared = {"size": size, "sha256": sha256, "metadata": dict(metadata or {})}
        return await responses.info_of(
            await self._send("PUT", protocol.blob_path(key), json=declared)
        )

    async def declare_size(self, key: BlobKey, size: int) -> BlobInfo:
        """See the port."""
        path = protocol.size_path(key)
        return await responses.info_of(
            await self._send("PUT", path, json={"size": size}, long=True)
        )

    async def write(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[Piece],
        *,
        declaration: Declaration | None = None,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """See the port. Raises what `data` raises as it is; never sends `data` twice."""
        upload = ChunkBody(data, self._progress_timeout)
        if declaration is not None or admit is not None:
            opening = codecs.Opening(declaration=declaration)
            return await self._write(key, offset, opening, upload, admit)
        return await self._put(protocol.chunk_path(key, checked_offset(key, offset)), upload)

    async def append(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[Piece],
        *,
        token: int | None = None,
        whole: bool = False,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """See the port."""
        # If the source fails, the body ends orderly: storage's answer then means that all bytes
        # before are recorded.
        upload = ChunkBody(data, self._progress_timeout, keep=not whole)
        opening = codecs.Opening(append=True, whole=whole, token=token)
        info = await self._write(key, offset, opening, upload, admit)
        if upload.failure is not None:
            raise upload.failure
        return info

    async def lease_append(self, key: BlobKey) -> AppendLease:
        """See the port."""
        content = await responses.content_of(
            await self._send("PUT", protocol.append_lease_path(key))
        )
        with responses.decoding(content):
            return codecs.decode_append_lease(json.loads(content))

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """See the port."""
        declared = {"parts": list(parts), "metadata": dict(metadata or {})}
        path = protocol.parts_path(key)
        return await responses.info_of(await self._send("PUT", path, json=declared, long=True))

    async def _put(self, path: str, upload: ChunkBody) -> BlobInfo:
        try:
            async with upload.watched():
                return await responses.info_of(await self._send("PUT", path, data=upload))
        except StorageUnavailable:
            if upload.failure is not None:
                raise upload.failure from None
            raise

    async def _write(
        self,
        key: BlobKey,
        offset: int,
        opening: codecs.Opening,
        upload: ChunkBody,
        admit: Admit | None,
    ) -> BlobInfo:
        path = protocol.write_path(key, checked_offset(key, offset))
        exchange = Exchange(codecs.encode_opening(opening), upload)
        response = await self._begin(path, exchange)
        try:
            async with response, upload.watched():
                answers = responses.lines(response)
                blob = responses.blob_of_line(await anext(answers, b""))
                try:
                    if admit is not None:
                        await admit(blob)
                except Exception:
                    exchange.refuse()
                    # The end of the response lets the connection be used again.
                    with suppress(CsvmillError, TimeoutError):
                        async with asyncio.timeout(REFUSAL_TIMEOUT):
                            await responses.last_line(answers)
                    raise
                exchange.accept()
                return responses.blob_of_line(await responses.last_line(answers))
        except StorageUnavailable:
            if upload.failure is not None:
                raise upload.failure from None
            raise
        except aiohttp.ClientError as error:
            # Leaving the response waits for its request, which cannot be written to its end.
            raise upload.failure or responses.unavailable(error) from error

    async def _begin(self, path: str, exchange: Exchange) -> aiohttp.ClientResponse:
        """Send the opening; return the response. Once more if a kept connection had been closed.

        aiohttp repeats no request whose body it has begun to read. No byte of the chunk has been
        read here yet.
        """
        send = partial(self._send, "PUT", path)
        try:
            return await send(data=exchange.body(), prompt=True)
        except StorageUnavailable as error:
            if not isinstance(error.__cause__, _CLOSED_MEANWHILE):
                raise
        return await send(data=exchange.body(), prompt=True)


def checked_offset(key: BlobKey, offset: int) -> int:
    """Return the offset. Raises ChunkOutOfBounds if it is negative."""
    if offset < 0:
        raise ChunkOutOfBounds(f"offset {offset} is before the start of blob {key}")
    return offset
