"""The client of the storage service, whose API `shared.blobs.protocol` describes."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from functools import partial
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

    from shared.blobs.blob import (
        Admit,
        AppendLease,
        BlobActivity,
        BlobInfo,
        BlobKey,
        Declaration,
    )

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

_CLOSED_MEANWHILE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class HttpBlobs:
    """Implements `shared.ports.Blobs` by the storage service at `base_url`.

    Use as an asynchronous context, which holds the connections. With `local_root`, the folder of
    storage's blobs as this machine sees it (read-only is enough), `local_path` finds files there.
    Raises StorageUnavailable after `progress_timeout` seconds without a sign of life; the total
    time is not limited. The response to a request that carries no chunk has to begin within
    `answer_timeout` seconds.
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
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[bytes],
        *,
        declaration: Declaration | None = None,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """See the port. Raises what `data` raises as it is; never sends `data` twice."""
        upload = _Upload(data, self._progress_timeout)
        if declaration is not None or admit is not None:
            opening = protocol.Opening(declaration=declaration)
            return await self._write(key, offset, opening, upload, admit)
        return await self._put(protocol.chunk_path(key, _checked(key, offset)), upload)

    async def append(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[bytes],
        *,
        token: int | None = None,
        whole: bool = False,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """See the port."""
        # If the source fails, the body ends orderly: storage's answer then means that all bytes
        # before are recorded.
        upload = _Upload(data, self._progress_timeout, keep=not whole)
        opening = protocol.Opening(append=True, whole=whole, token=token)
        info = await self._write(key, offset, opening, upload, admit)
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
            if response.headers.get(protocol.START_FIELD) != str(start):
                raise StorageUnavailable("this version of storage does not serve intervals")
            async with aclosing(_pieces(response, size)) as pieces:
                yield Content(pieces, start, start + size)

    async def delete(self, key: BlobKey) -> None:
        """See the port."""
        await _read(await self._send("DELETE", protocol.blob_path(key)))

    async def expire(self, key: BlobKey, *, idle_for: float) -> bool:
        """See the port. May return False for a removal whose response was lost."""
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
        """See the port. Raises StorageUnavailable if storage refuses the token."""
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

    async def _write(
        self,
        key: BlobKey,
        offset: int,
        opening: protocol.Opening,
        upload: _Upload,
        admit: Admit | None,
    ) -> BlobInfo:
        path = protocol.write_path(key, _checked(key, offset))
        exchange = _Exchange(protocol.encode_opening(opening), upload)
        response = await self._begin(path, exchange)
        try:
            async with response, upload.watched():
                answers = _lines(response)
                blob = _answer(await anext(answers, b""))
                try:
                    if admit is not None:
                        await admit(blob)
                except Exception:
                    exchange.refuse()
                    # The end of the response lets the connection be used again.
                    with suppress(CsvmillError, TimeoutError):
                        async with asyncio.timeout(REFUSAL_TIMEOUT):
                            await _last(answers)
                    raise
                exchange.accept()
                return _answer(await _last(answers))
        except StorageUnavailable:
            if upload.failure is not None:
                raise upload.failure from None
            raise

    async def _begin(self, path: str, exchange: _Exchange) -> aiohttp.ClientResponse:
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
    """The bytes of a chunk, as the body of a request; knows which side failed.

    With `keep`, a source that fails ends the body instead of breaking it off.
    """

    def __init__(self, data: AsyncIterable[bytes], timeout: float, *, keep: bool = False) -> None:
        self.failure: Exception | None = None
        """What `data` raised."""
        self._pieces = aiter(data)
        self._timeout = timeout
        self._keep = keep
        self._deadline = asyncio.timeout(None)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Self]:
        """Raise what the source does, or StorageUnavailable after `timeout` seconds of silence."""
        try:
            async with self._deadline:
                yield self
        except TimeoutError as error:
            if self.failure is not None:
                raise self.failure from None
            raise StorageUnavailable(
                f"storage took no byte of a chunk for {self._timeout:g} s"
            ) from error

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        # Asked for more: storage has taken the piece before. The source may be slow, and the
        # session's `sock_read` limits the wait for the answer after the last piece.
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
            # aiohttp does not interrupt the wait for a response that has begun.
            self._deadline.reschedule(0)
            raise
        self._deadline.reschedule(asyncio.get_running_loop().time() + self._timeout)
        return piece


class _Exchange:
    """The body of a request to `write_path`: an opening, and a chunk once it is accepted."""

    def __init__(self, opening: bytes, upload: _Upload) -> None:
        self._opening = opening
        self._upload = upload
        self._decided = asyncio.Event()
        self._accepted = False

    def accept(self) -> None:
        """Send the chunk."""
        self._accepted = True
        self._decided.set()

    def refuse(self) -> None:
        """End the body without the chunk."""
        self._decided.set()

    async def body(self) -> AsyncGenerator[bytes, None]:
        """Yield the body."""
        yield self._opening
        await self._decided.wait()
        if self._accepted:
            async for piece in self._upload:
                yield piece


async def _lines(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
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
        raise _unavailable(error) from error


async def _last(lines: AsyncGenerator[bytes, None]) -> bytes:
    """Return the next line, after reading to the end of the response."""
    line = await anext(lines, b"")
    async for _ in lines:
        pass
    return line


def _answer(line: bytes) -> BlobInfo:
    """Return the blob in a line of an answer; raise the error if it is a refusal."""
    with _answer_of_storage(line):
        fields = json.loads(line)
        if "error" not in fields:
            return protocol.decode_info(fields["blob"])
        status, content = int(fields["status"]), json.dumps(fields["error"]).encode()
    raise _refusal(status, content)


def _checked(key: BlobKey, offset: int) -> int:
    if offset < 0:
        raise ChunkOutOfBounds(f"offset {offset} is before the start of blob {key}")
    return offset


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
            "storage refuses the token: set CSVMILL_STORAGE_TOKEN to the same value on both sides"
        )
    if status >= 500 and not isinstance(error, StorageFull):
        return StorageUnavailable(f"storage answered {status}: {error}")
    return error


def _unavailable(error: Exception) -> StorageUnavailable:
    # Timeouts of asyncio have no text.
    silent = isinstance(error, TimeoutError) and not str(error)
    described = "not in time" if silent else str(error) or type(error).__name__
    return StorageUnavailable(f"storage does not answer: {described}")
