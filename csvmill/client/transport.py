"""HTTP requests to one server: timeouts, errors and retries."""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from csvmill.client.errors import (
    BodyTooLarge,
    ClientError,
    ConnectionLost,
    Refused,
    ServerUnavailable,
)
from csvmill.client.file_body import FileBody
from csvmill.client.retrying import RETRYABLE, Retries, retry_after
from csvmill.client.server_url import basic_authorization, without_credentials
from shared.blobs.client_request import ClientRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping
    from contextlib import AbstractAsyncContextManager

BUFFER_SIZE = 1 << 20
"""Bytes that are passed to or read from a socket at a time."""
DIGEST_PROBLEM = "urn:csvmill:problem:chunk-digest-mismatch"
"""A chunk was damaged in transit. The server kept nothing of it, so it can be sent again."""


TOO_LARGE = (
    "a proxy on the way to the server refuses request bodies of this size; send smaller chunks "
    "(--chunk-size, or chunk_size in Python), or raise the limit of the proxy, which in nginx is "
    "client_max_body_size"
)


class Transport:
    """Sends requests to one server. Call `open` first and `close` last."""

    def __init__(
        self, server: str, retries: Retries, timeout: float, api_key: str | None = None
    ) -> None:
        """`timeout` is the seconds without progress after which a request has failed.

        A user name and a password in `server` are sent, and shown in no message. Raises ValueError
        if `api_key` has characters that no header may have, and ClientError if there is a password
        too.
        """
        basic = basic_authorization(server)
        if basic and api_key is not None:
            raise ClientError("give an API key, or a user name in the URL of the server, not both")
        given = basic if api_key is None else bearer(api_key)
        self._authorization = {"Authorization": given} if given else {}
        self.server = without_credentials(server).rstrip("/")
        self.retries = retries
        self.is_local = _is_loopback(URL(server).host)
        """Whether the server is on this machine, by its address."""
        self.timeout = timeout
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout)
        self._session: aiohttp.ClientSession

    async def open(self) -> None:
        """Create the connection pool."""
        # Callers limit the number of concurrent requests, not the pool.
        self._session = aiohttp.ClientSession(
            timeout=self._timeout,
            request_class=ClientRequest,
            read_bufsize=BUFFER_SIZE,
            connector=aiohttp.TCPConnector(limit=0),
            auto_decompress=False,
            middlewares=(_no_hidden_retries,),
        )

    async def close(self) -> None:
        """Close all connections. Requests in progress fail."""
        await self._session.close()

    def open_request(
        self,
        method: str,
        path: str,
        *,
        data: AsyncIterator[bytes],
        headers: Mapping[str, str],
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send the head of a request, then its body, and yield its response of any status.

        Raises as aiohttp.
        """
        return self._session.request(
            method,
            self.server + path,
            data=data,
            headers={**self._authorization, **headers},
            allow_redirects=False,
            expect100=True,  # otherwise the head waits for the first bytes of the body
        )

    async def json(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        done_if: Collection[str] = (),
    ) -> Any:
        """Send a request with retries; return the JSON of the response, or None without a body.

        Also returns None if a retry fails with a problem type in `done_if`: an earlier attempt
        had succeeded, and only its response was lost.

        Raises Refused, or ServerUnavailable when the retries are exhausted.
        """
        async for attempt in self.retries:
            with attempt:
                try:
                    async with self.request(
                        method, path, body=body, headers=headers, query=query
                    ) as response:
                        text = await response.text()
                except Refused as error:
                    if attempt.num > 1 and error.problem in done_if:
                        return None
                    raise
        try:
            return json.loads(text) if text else None
        except ValueError:
            message = f"{response.url} is not a response of csvmill"
            raise Refused(response.status, message) from None

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | FileBody | None = None,
        on_sent: Callable[[int], None] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout | None = None,
        accept: Collection[int] = (),
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request once; yield a response whose status is below 400 or in `accept`.

        `on_sent` receives the number of bytes whenever a part of a body of bytes was written to
        the connection; a FileBody has its own.

        Raises Refused, or ServerUnavailable if a retry may help, also while the body is read.
        """
        url = self.server + path
        sent = {"Accept-Encoding": "identity", **self._authorization, **(headers or {})}
        data: AsyncIterator[memoryview] | FileBody | None = None
        if isinstance(body, FileBody):
            data = body
        elif body is not None:
            data, sent["Content-Length"] = _body_parts(body, on_sent), str(len(body))
        try:
            async with self._session.request(
                method, url, data=data,
                headers=sent, params=query, timeout=timeout or self._timeout, allow_redirects=False,
            ) as response:  # fmt: skip
                if response.status >= 400 and response.status not in accept:
                    raise _error(url, response, await response.text(errors="replace"))
                if 300 <= response.status < 400 and response.status not in (304, *accept):
                    raise Refused(response.status, f"{url} redirects; use the server's own URL")
                yield response
        except (aiohttp.ClientError, TimeoutError, ConnectionLost) as error:
            if isinstance(body, FileBody) and body.failure is not None:
                raise body.failure from error
            if isinstance(error, ConnectionLost):
                raise
            raise ConnectionLost(f"{url}: {_describe(error)}") from error

    @asynccontextmanager
    async def request_elsewhere(
        self, url: URL, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a GET request to another server once, without credentials; yield its response.

        Raises ConnectionLost, also while the body is read.
        """
        try:
            async with self._session.get(
                url, headers={"Accept-Encoding": "identity", **headers}, allow_redirects=False
            ) as response:
                yield response
        except ConnectionLost as error:  # its message has the URL, with the signature
            raise ConnectionLost(f"{url.origin()}: the connection broke") from error.__cause__
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConnectionLost(f"{url.origin()}: {_describe(error)}") from error


async def _no_hidden_retries(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Prevent aiohttp from repeating an idempotent request.

    That retry would not be counted, and would not send the body from its start.
    """
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ConnectionLost(f"{request.url}: {_describe(error)}") from error


def bearer(api_key: str) -> str:
    """Return the `Authorization` with a key. Raises ValueError, which does not show the key."""
    if not (api_key.isascii() and api_key.isprintable() and " " not in api_key and api_key):
        raise ValueError(
            "this is not a valid API key: it is empty, or contains spaces or other characters that "
            "a key cannot have"
        )
    return f"Bearer {api_key}"


def _is_loopback(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"


def _describe(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or error.certificate_error
        return f"the certificate of {error.host}:{error.port} is not valid: {reason}"
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        # The reason without what aiohttp adds for its own developers.
        number = cause.errno or 0
        reason = os.strerror(number) if number > 0 else cause.strerror or str(cause)
        return f"cannot connect to {error.host}:{error.port}: {reason}"
    # What aiohttp adds about TLS to some of its errors says nothing to people.
    return str(error).replace(" ssl:default", "") or type(error).__name__


def _error(url: str, response: aiohttp.ClientResponse, text: str) -> Exception:
    message, problem = _read_problem(text)
    if problem is None and response.content_type == "text/html":
        message = ""  # a page of a proxy
    if problem is None and response.status == 413:
        return BodyTooLarge(413, f"{response.method} {url}: {TOO_LARGE}")
    if response.status in RETRYABLE or problem == DIGEST_PROBLEM:
        return ServerUnavailable(
            f"{url}: {message or response.reason} (HTTP {response.status})",
            retry_after(response.headers.get("Retry-After")),
        )
    if problem is None:
        message = f"{response.method} {url}: {message or response.reason}"
    return Refused(response.status, message, problem)


def _read_problem(text: str) -> tuple[str, str | None]:
    """Return message and problem type of an error: `{"message": ...}` or problem details."""
    try:
        error = json.loads(text)
        kind = error.get("type", "about:blank")
        message = str(error.get("message") or error.get("detail") or error["title"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return text[:200], None
    return message, None if kind == "about:blank" else str(kind)


async def _body_parts(
    body: bytes, on_sent: Callable[[int], None] | None
) -> AsyncIterator[memoryview]:
    view = memoryview(body)
    for start in range(0, len(view), BUFFER_SIZE):
        part = view[start : start + BUFFER_SIZE]
        yield part
        if on_sent is not None:
            on_sent(len(part))
