"""Requests to one server: time-outs, errors of ours, and how they are repeated."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from csvmill.client.errors import ConnectionLost, Refused, ServerUnavailable
from csvmill.client.retrying import PASSING, Retries, retry_after

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping

PIECE = 1 << 20
"""Bytes handed to or taken from a socket at a time."""
DIGEST_PROBLEM = "urn:csvmill:problem:chunk-digest-mismatch"
"""A chunk that arrived damaged: nothing of it was kept, and it can be sent again."""


class Transport:
    """Sends requests to one server. Use it as an async context manager."""

    def __init__(self, server: str, retries: Retries, timeout: float) -> None:
        """`timeout`: seconds without any progress after which a request counts as lost."""
        self.server = server.rstrip("/")
        self.retries = retries
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout)
        self._session: aiohttp.ClientSession

    async def open(self) -> None:
        """Must come before any request."""
        # Who may send at a time is decided by whoever sends, not by the pool.
        self._session = aiohttp.ClientSession(
            timeout=self._timeout,
            read_bufsize=PIECE,
            connector=aiohttp.TCPConnector(limit=0),
            auto_decompress=False,
            middlewares=(_sent_once,),
        )

    async def close(self) -> None:
        """Break off what is under way."""
        await self._session.close()

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
        """The JSON of the answer, or None if it has no body; repeated as `retries` says.

        A problem of a type in `done_if`, when an earlier try has failed, means that this one was
        carried out and only its answer lost: then there is None to return.
        Raises Refused, or ServerUnavailable when tries are used up.
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
            raise Refused(response.status, f"{response.url} is no answer of csvmill's") from None

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        passed: Callable[[int], None] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout | None = None,
        accept: Collection[int] = (),
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request, sent once; the answer, whose status is below 400, or in `accept`.

        `passed` is told the bytes of each piece of the body that the connection has taken.
        Raises Refused, or ServerUnavailable for what may pass, also while the body is read.
        """
        url = self.server + path
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        if body is not None:
            sent["Content-Length"] = str(len(body))
        try:
            async with self._session.request(
                method, url, data=None if body is None else _pieces(body, passed),
                headers=sent, params=query, timeout=timeout or self._timeout, allow_redirects=False,
            ) as response:  # fmt: skip
                if response.status >= 400 and response.status not in accept:
                    raise _error(url, response, await response.text(errors="replace"))
                if 300 <= response.status < 400 and response.status != 304:
                    raise Refused(response.status, f"{url} redirects; give the server's own URL")
                yield response
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConnectionLost(f"{url}: {_what(error)}") from error


async def _sent_once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending an idempotent request again by itself.

    It would not count as a try, nor give the body from its beginning.
    """
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ConnectionLost(f"{request.url}: {_what(error)}") from error


def _what(error: Exception) -> str:
    return str(error) or type(error).__name__


def _error(url: str, response: aiohttp.ClientResponse, text: str) -> Exception:
    message, problem = _said(text)
    if response.status in PASSING or problem == DIGEST_PROBLEM:
        return ServerUnavailable(
            f"{url}: {message} (HTTP {response.status})",
            retry_after(response.headers.get("Retry-After")),
        )
    if problem is None:
        message = f"{response.method} {url}: {message or response.reason}"
    return Refused(response.status, message, problem)


def _said(text: str) -> tuple[str, str | None]:
    """What an error's body says: `{"message": ...}`, or problem details with their type."""
    try:
        error = json.loads(text)
        kind = error.get("type", "about:blank")
        message = str(error.get("message") or error.get("detail") or error["title"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return text[:200], None
    return message, None if kind == "about:blank" else str(kind)


async def _pieces(body: bytes, passed: Callable[[int], None] | None) -> AsyncIterator[memoryview]:
    view = memoryview(body)
    for start in range(0, len(view), PIECE):
        piece = view[start : start + PIECE]
        yield piece
        if passed is not None:
            passed(len(piece))
