"""Sends one message to one URL, and tells what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

import aiohttp

from shared.errors import AddressRefused
from shared.http.outgoing import open_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.http.outgoing import OutgoingPolicy

MAX_RETRY_AFTER = 86_400.0
"""The most seconds for which an answer may ask to wait."""
_SECONDS = re.compile(r"[0-9]{1,9}")
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "no answer in time"),
    (aiohttp.ClientConnectorCertificateError, "the certificate of the host is not valid"),
    (aiohttp.ClientSSLError, "the TLS handshake with the host failed"),
    (aiohttp.ClientConnectorDNSError, "the name of the host is not known"),
    (aiohttp.ClientConnectorError, "the host does not accept connections"),
    (aiohttp.ServerDisconnectedError, "the connection ended without an answer"),
    (aiohttp.ClientResponseError, "the answer is not HTTP"),
    (aiohttp.InvalidURL, "this is not a URL"),
    (aiohttp.ClientError, "the connection broke"),
    (OSError, "the connection broke"),
)
"""What went wrong, by the first class that fits. Texts of the libraries name addresses."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one message."""

    status: int | None
    """The HTTP status; None without an answer."""
    error: str | None = None
    """What went wrong; None if the receiver has taken the message."""
    retry_after: float = 0.0
    """Seconds for which the receiver asks to wait."""

    @property
    def is_final(self) -> bool:
        """Whether the receiver wants no more messages."""
        return self.status == HTTPStatus.GONE


class Sender:
    """Sends messages where a policy allows. Use as an asynchronous context.

    Of an answer only the header is read. Redirects are not followed: the URL is that of the
    receiver, and another one was not declared.
    """

    def __init__(self, policy: OutgoingPolicy, *, timeout: float, connections: int) -> None:
        """`timeout` is the seconds for a message, from the lookup of the name to the answer."""
        self._policy = policy
        self._timeout = timeout
        self._connections = connections
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = open_session(
            self._policy,
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            limit=self._connections,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, url: str, content: bytes, fields: Mapping[str, str]) -> Answer:
        """Post a message. Raises nothing for what the receiver, or the way to it, does."""
        try:
            async with self._session.post(
                self._policy.check(url), data=content, headers=fields, allow_redirects=False
            ) as response:
                return _answer_of(response)
        except AddressRefused as error:
            return Answer(None, str(error))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(None, next(words for kind, words in _WORDS if isinstance(error, kind)))


def _answer_of(response: aiohttp.ClientResponse) -> Answer:
    status = response.status
    if 200 <= status < 300:
        return Answer(status)
    error = f"HTTP {status}"
    if 300 <= status < 400:
        error += ", and redirects are not followed"
    given = response.headers.get("Retry-After", "").strip()
    seconds = float(given) if _SECONDS.fullmatch(given) else 0.0
    return Answer(status, error, min(seconds, MAX_RETRY_AFTER))
