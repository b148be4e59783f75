"""Blobs kept by the storage service, spoken to as `shared.blobs.protocol` says."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Self

import aiohttp
from yarl import URL

from shared.blobs import protocol
from shared.blobs.content import Content
from shared.blobs.layout import complete_data
from shared.errors import (
    ChunkOutOfBounds,
    CsvmillError,
    StorageFull,
    StorageUnavailable,
    Unauthorized,
    Unavailable,
)
from shared.telemetry.propagation import outgoing_headers

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        AsyncIterator,
        Iterator,
        Mapping,
        Sequence,
    )
    from pathlib import Path

    from shared.blobs.blob import AppendLease, BlobActivity, BlobInfo, BlobKey

CONNECT_TIMEOUT = 5.0
"""Seconds to connect to storage."""
ANSWER_TIMEOUT = 10.0
"""Seconds for an answer to a request that brings no chunk, and asks for nothing that takes long."""
PROGRESS_TIMEOUT = 60.0
"""Seconds without any progress, in either direction, after which storage counts as gone."""
READ_BUFFER = 1 << 20
"""Bytes of an answer that are read ahead, at most twice as many."""


class HttpBlobs:
    """Implements `shared.ports.Blobs` by the storage service at `base_url`.

    Use as an asynchronous context, which holds the connections. With `local_root`, the folder of
    storage's blobs as this machine sees it (read-only will do), `local_path` finds files there.
    What takes longer than `progress_timeout` seconds without a sign of life raises
    StorageUnavailable; the total time is not limited. To requests that bring no chunk the answer
    has to begin within `answer_timeout` seconds.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        local_root: Path | None = None,
        progress_timeout: float = PROGRESS_TIMEOUT,
        answer_timeout: float = ANSWER_TIMEOUT,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._local_root = local_root
        self._progress_timeout = progress_timeout
        self._answer_timeout = answer_timeout
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        # As many connections as the service that uses this has requests of its own.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            headers={"Authorization": f"Bearer {self._token}", "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_TIMEOUT, sock_read=self._progress_timeout
            ),
            read_bufsize=READ_BUFFER,
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

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
        return await _info(await self._send("PUT", protocol.blob_path(key), json=declared))

    async def declare_size(self, key: BlobKey, size: int) -> BlobInfo:
        """See the port."""
        path = protocol.size_path(key)
        return await _info(await self._send("PUT", path, json={"size": size}, long=True))

    async def write(
        self, key: BlobKey, offset: int, data: AsyncIterable[bytes], *, token: int | None = None
    ) -> BlobInfo:
        """See the port. What `data` raises comes out as it is; it is never sent twice."""
        if offset < 0:
            raise ChunkOutOfBounds(f"offset {offset} is before the start of blob {key}")
        upload = _Upload(data, self._progress_timeout)
        return await self._put(protocol.chunk_path(key, offset, token), upload)

    async def append(
        self, key: BlobKey, offset: int, data: AsyncIterable[bytes], *, token: int
    ) -> BlobInfo:
        """See the port."""
        if offset < 0:
            raise ChunkOutOfBounds(f"offset {offset} is before the start of blob {key}")
        # Where the source fails, storage is shown an orderly end: its answer then says that all
        # that came before is recorded.
        upload = _Upload(data, self._progress_timeout, keep=True)
        info = await self._put(protocol.append_path(key, offset, token), upload)
        if upload.failure is not None:
            raise upload.failure
        return info

    async def lease_append(self, key: BlobKey) -> AppendLease:
        """See the port."""
        content = await _read(await self._send("PUT", protocol.append_lease_path(key)))
        with _answer_of_storage(content):
            return protocol.decode_append_lease(json.loads(content))

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """See the port."""
        declared = {"parts": list(parts), "metadata": dict(metadata or {})}
        path = protocol.parts_path(key)
        return await _info(await self._send("PUT", path, json=declared, long=True))

    async def info(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        return await _info(await self._send("GET", protocol.info_path(key)))

    async def peek(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        return await _info(await self._send("GET", protocol.peek_path(key)))

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
            async with aclosing(_pieces(response, size)) as pieces:
                yield Content(pieces, start, start + size)

    async def delete(self, key: BlobKey) -> None:
        """See the port."""
        await _read(await self._send("DELETE", protocol.blob_path(key)))

    async def expire(self, key: BlobKey, *, idle_for: float) -> bool:
        """See the port. A removal whose answer got lost may be told as none."""
        path = protocol.expire_path(key, idle_for)
        content = await _read(await self._send("DELETE", path))
        with _answer_of_storage(content):
            return bool(json.loads(content)["removed"])

    @asynccontextmanager
    async def walk(self, kind: str) -> AsyncIterator[AsyncIterator[BlobActivity]]:
        """See the port."""
        response = await self._send("GET", protocol.walk_path(kind))
        async with response, aclosing(_activities(response)) as found:
            yield found

    def local_path(self, key: BlobKey) -> Path | None:
        """See the port. None unless `local_root` was given."""
        return None if self._local_root is None else complete_data(self._local_root, key)

    async def ping(self) -> None:
        """See the port. A token that storage refuses counts as storage that cannot be used."""
        try:
            await _read(await self._send("GET", "/ping"))
        except StorageUnavailable:
            raise
        except CsvmillError as error:
            raise StorageUnavailable(str(error)) from error

    async def _put(self, path: str, upload: _Upload) -> BlobInfo:
        try:
            async with upload.watched():
                return await _info(await self._send("PUT", path, data=upload))
        except StorageUnavailable:
            if upload.failure is not None:
                raise upload.failure from None
            raise

    async def _send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        data: AsyncIterable[bytes] | None = None,
        long: bool = False,
    ) -> aiohttp.ClientResponse:
        """The answer, if it is a good one, else the error that it stands for.

        It may take its time if there is `data`, or if `long`: storage then shows signs of life.

        aiohttp sends once more by itself what was lost on a kept connection that storage had
        closed meanwhile, as every method here is idempotent; but never a body that has been
        begun to be read from `data`.
        """
        patience = None if long or data is not None else self._answer_timeout
        try:
            async with asyncio.timeout(patience):
                response = await self._session.request(
                    method,
                    URL(self._base_url + path, encoded=True),
                    headers={**outgoing_headers(), **(headers or {})},
                    json=json,
                    data=data,
                    allow_redirects=False,
                )
        except (aiohttp.ClientError, OSError) as error:
            raise _unavailable(error) from error
        if response.status not in (200, 204):
            raise _refusal(response.status, await _read(response))
        return response


class _Upload:
    """A chunk's bytes on their way into a request; tells who stops it, source or storage."""

    def __init__(self, data: AsyncIterable[bytes], patience: float, *, keep: bool = False) -> None:
        self.failure: Exception | None = None
        """What `data` raised."""
        self._pieces = aiter(data)
        self._patience = patience
        self._keep = keep
        self._deadline = asyncio.timeout(None)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Self]:
        """Raises StorageUnavailable if storage takes nothing for too long."""
        try:
            async with self._deadline:
                yield self
        except TimeoutError as error:
            raise StorageUnavailable(
                f"storage took no byte of a chunk for {self._patience:g} s"
            ) from error

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        # Asked for more: storage has taken the piece before. The source may take its time, and
        # the wait for the answer after the last piece is watched by the session's `sock_read`.
        self._deadline.reschedule(None)
        piece = b""
        try:
            while not piece:
                piece = await anext(self._pieces)
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.failure = error
            if self._keep:
                raise StopAsyncIteration from error
            raise
        self._deadline.reschedule(asyncio.get_running_loop().time() + self._patience)
        return piece


async def _pieces(response: aiohttp.ClientResponse, expected: int) -> AsyncGenerator[bytes, None]:
    received = 0
    try:
        async for piece in response.content.iter_any():
            received += len(piece)
            yield piece
    except (aiohttp.ClientError, OSError) as error:
        raise _unavailable(error) from error
    if received != expected:
        raise StorageUnavailable(f"storage sent {received} bytes of {expected}")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    try:
        async with response:
            return await response.read()
    except (aiohttp.ClientError, OSError) as error:
        raise _unavailable(error) from error


async def _info(response: aiohttp.ClientResponse) -> BlobInfo:
    content = await _read(response)
    with _answer_of_storage(content):
        return protocol.decode_info(json.loads(content))


async def _activities(response: aiohttp.ClientResponse) -> AsyncGenerator[BlobActivity, None]:
    try:
        async for line in response.content:
            with _answer_of_storage(line):
                activity = protocol.decode_activity(line)
            yield activity
    except (aiohttp.ClientError, OSError) as error:
        raise _unavailable(error) from error


@contextmanager
def _answer_of_storage(content: bytes) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, CsvmillError) as error:
        raise StorageUnavailable(f"not an answer of storage: {content[:200]!r}") from error


def _refusal(status: int, content: bytes) -> CsvmillError:
    try:
        error = protocol.decode_error(json.loads(content))
    except (ValueError, AttributeError):
        error = None
    if error is None or isinstance(error, Unavailable):
        return StorageUnavailable(f"storage answered {status}: {error or content[:200]!r}")
    if isinstance(error, Unauthorized):
        return StorageUnavailable(
            "storage refuses the token: CSVMILL_STORAGE_TOKEN has to be the same on both sides"
        )
    if status >= 500 and not isinstance(error, StorageFull):
        return StorageUnavailable(f"storage answered {status}: {error}")
    return error


def _unavailable(error: Exception) -> StorageUnavailable:
    # Time-outs of asyncio have no text of their own.
    silent = isinstance(error, TimeoutError) and not str(error)
    described = "not in time" if silent else str(error) or type(error).__name__
    return StorageUnavailable(f"storage does not answer: {described}")
