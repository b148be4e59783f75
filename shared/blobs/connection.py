"""The connections to the storage service, and the requests that are sent over them."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Self

import aiohttp
from yarl import URL

from shared.blobs import responses
from shared.blobs.client_request import ClientRequest
from shared.blobs.epochs import epoch_headers
from shared.blobs.tokens import parse_tokens
from shared.telemetry.propagation import outgoing_headers

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterable, Mapping
    from pathlib import Path

    from aiohttp.connector import AddrInfoType

CONNECT_TIMEOUT = 5.0
"""Seconds to connect to storage."""
ANSWER_TIMEOUT = 10.0
"""Seconds for the response to a request that carries no chunk and starts no long work."""
PROGRESS_TIMEOUT = 60.0
"""Seconds without progress in either direction after which storage counts as unavailable."""
READ_BUFFER = 1 << 20
"""Bytes of a response that are read ahead, at most twice as many."""
SMALL_READ_BUFFER = 32 << 10
"""The same for a gateway, each of whose clients may be slow."""
SOCKET_BUFFER = 2
"""How many read buffers the kernel may hold besides."""


class StorageConnection:
    """Sends requests to the storage service at `base_url`.

    Use as an asynchronous context, which holds the connections. Raises StorageUnavailable after
    `progress_timeout` seconds without a sign of life; the total time is not limited. The response
    to a request that carries no chunk has to begin within `answer_timeout` seconds. `read_buffer`
    is how many bytes of a response are read ahead, at most twice as many. `tls` has the
    certificates for an `https` URL. `local_root` is the folder of storage's blobs as this machine
    sees it, if it does (read-only is enough).
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
            request_class=ClientRequest,
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
