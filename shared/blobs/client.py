"""The client of the storage service, whose API `shared.blobs.protocol` describes."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Self

import aiohttp
from yarl import URL

from shared.blobs import protocol, responses
from shared.blobs.boot import boot_id
from shared.blobs.content import FOLLOW_WAIT, Content, Growth
from shared.blobs.epochs import epoch_headers, under_epoch
from shared.blobs.growing_file import content_of, opened_file, parts_of
from shared.blobs.layout import complete_data
from shared.blobs.remote import RemoteBlob
from shared.blobs.request_bodies import ChunkBody, Exchange
from shared.blobs.tokens import parse_tokens
from shared.errors import (
    BlobNotFound,
    ChunkOutOfBounds,
    CsvmillError,
    StorageUnavailable,
)
from shared.telemetry.propagation import outgoing_headers

if TYPE_CHECKING:
    import ssl
    from collections.abc import (
        AsyncIterable,
        AsyncIterator,
        Mapping,
        Sequence,
    )
    from pathlib import Path

    from aiohttp.connector import AddrInfoType

    from shared.blobs.blob import (
        Admit,
        AppendLease,
        BlobActivity,
        BlobInfo,
        BlobKey,
        Declaration,
    )
    from shared.blobs.socket_part import Piece

CONNECT_TIMEOUT = 5.0
"""Seconds to connect to storage."""
ANSWER_TIMEOUT = 10.0
"""Seconds for the response to a request that carries no chunk and starts no long work."""
REFUSAL_TIMEOUT = 1.0
"""Seconds for the end of the response to a refused chunk; then the connection is closed."""
PROGRESS_TIMEOUT = 60.0
"""Seconds without progress in either direction after which storage counts as unavailable."""
READ_BUFFER = 1 << 20
"""Bytes of a response that are read ahead, at most twice as many."""
SMALL_READ_BUFFER = 32 << 10
"""The same for a gateway, each of whose clients may be slow."""
SOCKET_BUFFER = 2
"""How many read buffers the kernel may hold besides."""

_CLOSED_MEANWHILE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class HttpBlobs:
    """Implements `shared.ports.Blobs` by the storage service at `base_url`.

    Use as an asynchronous context, which holds the connections. With `local_root`, the folder of
    storage's blobs as this machine sees it (read-only is enough), `local_path` finds files there.
    Raises StorageUnavailable after `progress_timeout` seconds without a sign of life; the total
    time is not limited. The response to a request that carries no chunk has to begin within
    `answer_timeout` seconds. `read_buffer` is how many bytes of a response are read ahead, at most
    twice as many. `tls` has the certificates for an `https` URL.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        local_root: Path | None = None,
        progress_timeout: float = PROGRESS_TIMEOUT,
        answer_timeout: float = ANSWER_TIMEOUT,
        read_buffer: int = READ_BUFFER,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = parse_tokens(token)[0]
        self._local_root = local_root
        self._progress_timeout = progress_timeout
        self._answer_timeout = answer_timeout
        self._read_buffer = read_buffer
        self._tls = tls
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        # As many connections as the service that uses this has requests of its own.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, socket_factory=self._socket, ssl=self._tls or True
            ),
            headers={"Authorization": f"Bearer {self._token}", "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_TIMEOUT, sock_read=self._progress_timeout
            ),
            read_bufsize=self._read_buffer,
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    def _socket(self, address: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, _ = address
        opened = socket.socket(family, kind, protocol)
        # Otherwise the kernel grows it to megabytes, which stay while the reader is slow.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER * self._read_buffer)
        return opened

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
            opening = protocol.Opening(declaration=declaration)
            return await self._write(key, offset, opening, upload, admit)
        return await self._put(protocol.chunk_path(key, _checked(key, offset)), upload)

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
        opening = protocol.Opening(append=True, whole=whole, token=token)
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
            return protocol.decode_append_lease(json.loads(content))

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """See the port."""
        declared = {"parts": list(parts), "metadata": dict(metadata or {})}
        path = protocol.parts_path(key)
        return await responses.info_of(await self._send("PUT", path, json=declared, long=True))

    async def hold(self, key: BlobKey, epoch: int) -> None:
        """See `AdoptsUploads`: storage checks it with each request that is made `under_epoch`."""
        with under_epoch(epoch), suppress(BlobNotFound):
            await self.peek(key)

    async def adopt(self, key: BlobKey, epoch: int) -> BlobInfo:
        """See `AdoptsUploads`."""
        path = protocol.adoption_path(key, epoch)
        return await responses.info_of(await self._send("PUT", path, long=True))

    async def abandon(self, key: BlobKey, epoch: int) -> None:
        """See `AdoptsUploads`."""
        path = protocol.adoption_path(key, epoch)
        (await self._send("DELETE", path, long=True)).release()

    async def info(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        return await responses.info_of(await self._send("GET", protocol.info_path(key)))

    async def peek(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        return await responses.info_of(await self._send("GET", protocol.peek_path(key)))

    @asynccontextmanager
    async def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[Content]:
        """See the port."""
        if start < 0 or (stop is not None and stop < start):
            raise ChunkOutOfBounds(f"{start}..{stop} is not an interval of blob {key}")
        response = await self._send("GET", protocol.interval_path(key, start, stop))
        async with response:
            size = response.content_length
            if size is None or (stop is not None and size != stop - start):
                expected = "a blob" if stop is None else str(stop - start)
                raise StorageUnavailable(f"storage offers {size} bytes of {expected}")
            if response.headers.get(protocol.START_FIELD) != str(start):
                raise StorageUnavailable("this version of storage does not serve intervals")
            async with aclosing(responses.pieces_of(response, size)) as pieces:
                yield Content(pieces, start, start + size)

    @asynccontextmanager
    async def follow(
        self,
        key: BlobKey,
        start: int = 0,
        *,
        version: str | None = None,
        wait: float = FOLLOW_WAIT,
    ) -> AsyncIterator[Growth]:
        """See the port. `wait` has to be shorter than `answer_timeout`."""
        request = partial(protocol.growth_path, key, _checked(key, start), version, wait)
        if self._local_root is not None and (boot := boot_id()) is not None:
            async with self._growth(request(boot)) as (response, found):
                inode = response.headers.get(protocol.INODE_FIELD)
                if inode is None:
                    async with aclosing(responses.pieces_of(response)) as pieces:
                        yield Growth(pieces, start, found)
                    return
                with opened_file(self._local_root, key, int(inode)) as file:
                    if file is not None:
                        async with (
                            aclosing(parts_of(file, start, responses.lines(response))) as parts,
                            aclosing(content_of(parts)) as pieces,
                        ):
                            yield Growth(pieces, start, found, parts, int(inode))
                        return
        async with (
            self._growth(request()) as (response, found),
            aclosing(responses.pieces_of(response)) as pieces,
        ):
            yield Growth(pieces, start, found)

    @asynccontextmanager
    async def _growth(self, path: str) -> AsyncIterator[tuple[aiohttp.ClientResponse, str]]:
        """Request a blob that grows; yield the response and the version of the blob."""
        async with await self._send("GET", path) as response:
            found = response.headers.get(protocol.VERSION_FIELD)
            if found is None:
                raise StorageUnavailable("this version of storage serves no blob that grows")
            yield response, found

    async def delete(self, key: BlobKey) -> None:
        """See the port."""
        await responses.content_of(await self._send("DELETE", protocol.blob_path(key)))

    async def expire(self, key: BlobKey, *, idle_for: float, used: float | None = None) -> bool:
        """See the port. May return False for a removal whose response was lost."""
        path = protocol.expire_path(key, idle_for, used)
        content = await responses.content_of(await self._send("DELETE", path))
        with responses.decoding(content):
            return bool(json.loads(content)["removed"])

    @asynccontextmanager
    async def walk(self, kind: str) -> AsyncIterator[AsyncIterator[BlobActivity]]:
        """See the port."""
        response = await self._send("GET", protocol.walk_path(kind))
        async with response, aclosing(responses.activities_of(response)) as found:
            yield found

    def remote(self, key: BlobKey) -> RemoteBlob | None:
        """See `shared.blobs.remote.RemotelyReadable`."""
        if self._tls is not None:
            return None
        fields = {"Authorization": f"Bearer {self._token}", "Accept-Encoding": "identity"}
        return RemoteBlob((self._base_url + protocol.blob_path(key),), fields)

    def local_path(self, key: BlobKey) -> Path | None:
        """See the port. None unless `local_root` was given."""
        return None if self._local_root is None else complete_data(self._local_root, key)

    async def ping(self) -> None:
        """See the port. Raises StorageUnavailable if storage refuses the token."""
        try:
            await responses.content_of(await self._send("GET", "/ping"))
        except StorageUnavailable:
            raise
        except CsvmillError as error:
            raise StorageUnavailable(str(error)) from error

    async def check_room(self) -> None:
        """See the port. Storage of an older version is taken to have room."""
        await responses.content_of(await self._send("GET", protocol.ROOM_PATH))

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
        opening: protocol.Opening,
        upload: ChunkBody,
        admit: Admit | None,
    ) -> BlobInfo:
        path = protocol.write_path(key, _checked(key, offset))
        exchange = Exchange(protocol.encode_opening(opening), upload)
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

    async def _send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        data: AsyncIterable[bytes] | None = None,
        long: bool = False,
        prompt: bool = False,
    ) -> aiohttp.ClientResponse:
        """Return a successful response; raise the error that another one stands for.

        The response has to begin within `answer_timeout` seconds, unless there is `data` that is
        not `prompt`, or the work takes `long`: storage then shows signs of life.

        aiohttp itself repeats what was lost on a kept connection that storage had closed
        meanwhile, as every method here is idempotent; but no body of `data` that it has begun to
        read.
        """
        slow = long or (data is not None and not prompt)
        try:
            async with asyncio.timeout(None if slow else self._answer_timeout):
                response = await self._session.request(
                    method,
                    URL(self._base_url + path, encoded=True),
                    headers={**outgoing_headers(), **epoch_headers(), **(headers or {})},
                    json=json,
                    data=data,
                    allow_redirects=False,
                )
        except (aiohttp.ClientError, OSError) as error:
            raise responses.unavailable(error) from error
        if response.status not in (200, 204):
            raise responses.refusal(response.status, await responses.content_of(response))
        return response


def _checked(key: BlobKey, offset: int) -> int:
    if offset < 0:
        raise ChunkOutOfBounds(f"offset {offset} is before the start of blob {key}")
    return offset
