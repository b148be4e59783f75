"""A file behind an http or https URL (RFC 9110): ranges, validators and redirects."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from processor.fetching.remote import Answer, Entity, RemoteChanged, RemoteFailed, RemoteRefused
from shared.errors import AddressRefused
from shared.http.least_rate import LeastRate, RateMeter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from shared.http.outgoing import OutgoingPolicy

PIECE = 256 << 10
"""The most bytes of a piece."""
MOST_REDIRECTS = 5
SLOW_WINDOW = 60.0
"""Seconds over which the rate of a server is measured."""
_REDIRECTS = (301, 302, 303, 307, 308)
_TEMPORARY = (408, 425, 429)
"""Statuses of 4xx after which the same request may succeed."""
_MOST_WAIT = 3600.0
"""The most seconds of a Retry-After that are waited."""
_KEPT_CODINGS = ("gzip", "x-gzip", "zstd")
"""Content codings that are also compressions of files: the bytes stay as they are, and the job
decompresses them."""
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
_UNSATISFIED = re.compile(r"bytes \*/(\d{1,18})", re.ASCII)


class HttpFile:
    """See `processor.fetching.remote.Remote`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        policy: OutgoingPolicy,
        url: str,
        *,
        least_rate: int = 0,
    ) -> None:
        """`session` is one of `open_session`. `least_rate`: bytes per second, 0 for any number."""
        self._session = session
        self._policy = policy
        self._url = url
        self._least = LeastRate(float(least_rate), SLOW_WINDOW)

    @asynccontextmanager
    async def open(self, offset: int, known: Entity | None) -> AsyncIterator[Answer]:
        """See `Remote`."""
        validator = _strong(known) if offset else None
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "csvmill"}
        if validator is not None:
            headers |= {"Range": f"bytes={offset}-", "If-Range": validator}
        response = await self._follow(headers)
        try:
            yield self._answer(response, offset if validator else 0, known)
        finally:
            response.close()

    async def _follow(self, headers: dict[str, str]) -> aiohttp.ClientResponse:
        """Return the answer after all redirects."""
        url = self._checked(self._url)
        for _ in range(MOST_REDIRECTS + 1):
            response = await self._requested(url, headers)
            if response.status not in _REDIRECTS:
                return response
            location = response.headers.get("Location", "")
            response.close()
            try:
                target = url.join(URL(location))
            except ValueError:
                target = url
            if not location or target == url:
                raise RemoteRefused(f"{_host(url)} answers {response.status} without a Location")
            if url.scheme == "https" and target.scheme == "http":
                raise RemoteRefused(
                    f"{_host(url)} redirects from https to http, which is not followed"
                )
            url = self._checked(str(target))
        raise RemoteRefused(f"{_host(url)} redirects more than {MOST_REDIRECTS} times")

    def _checked(self, url: str) -> URL:
        try:
            return self._policy.check(url)
        except AddressRefused as error:
            raise RemoteRefused(str(error)) from error

    async def _requested(self, url: URL, headers: dict[str, str]) -> aiohttp.ClientResponse:
        try:
            return await self._session.get(url, headers=headers, allow_redirects=False)
        except AddressRefused as error:
            raise RemoteRefused(str(error)) from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise RemoteRefused(f"the certificate of {_host(url)} is not valid: {error}") from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise RemoteFailed(f"{_host(url)} does not answer: {_text(error)}") from error

    def _answer(
        self, response: aiohttp.ClientResponse, offset: int, known: Entity | None
    ) -> Answer:
        host = _host(response.url)
        if response.status == 416 and offset:
            return _ended(response, offset, known)
        if response.status not in (200, 206):
            raise _failure(response)
        coding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in ("identity", "", *_KEPT_CODINGS):
            raise RemoteRefused(
                f"{host} sent the file with the content coding {coding[:50]!r}, although none was "
                "requested; only gzip and zstd are supported"
            )
        if response.status == 206:
            start, size = _content_range(response, offset)
        else:
            start, size = 0, response.content_length
            chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
            if size is None and not chunked:
                raise RemoteRefused(
                    f"{host} says neither how long the file is nor where it ends (no "
                    "Content-Length, and not chunked), so a part of it could pass for the whole"
                )
        entity = Entity(response.headers.get("ETag"), response.headers.get("Last-Modified"), size)
        if known is not None and entity.differs(known):
            raise RemoteChanged(f"the file at {host} has changed since its first bytes came")
        return Answer(start, _dated(entity, response), self._pieces(response))

    async def _pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        host = _host(response.url)
        meter = RateMeter(self._least)
        while True:
            began = time.monotonic()
            try:
                piece = await response.content.read(PIECE)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise RemoteFailed(f"the connection to {host} was lost: {_text(error)}") from error
            if not piece:
                return
            slow = meter.too_slow(time.monotonic() - began, len(piece))
            yield piece
            if slow:
                raise RemoteFailed(
                    f"{host} sends less than {self._least.rate:g} bytes a second "
                    "(CSVMILL_FETCH_MIN_RATE)",
                    counts=True,
                )


def _strong(known: Entity | None) -> str | None:
    """Return what If-Range may name (RFC 9110, 13.1.5): a strong tag, or else a strong date."""
    if known is None:
        return None
    if known.tag is not None:
        return None if known.tag.startswith("W/") else known.tag
    return known.modified


def _dated(entity: Entity, response: aiohttp.ClientResponse) -> Entity:
    """Forget a date of modification that is not strong (RFC 9110, 8.8.2.2), without a tag.

    Within the second of the answer, the file may have been changed twice.
    """
    if entity.tag is not None or entity.modified is None:
        return entity
    modified = _date_of(entity.modified)
    answered = _date_of(response.headers.get("Date", ""))
    if modified is None or answered is None or (answered - modified).total_seconds() < 1:
        return Entity(None, None, entity.size)
    return entity


def _date_of(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _content_range(response: aiohttp.ClientResponse, offset: int) -> tuple[int, int | None]:
    """Return where the bytes of a 206 begin, and the size of the file. Raises RemoteRefused."""
    text = response.headers.get("Content-Range", "")
    match = _RANGE.fullmatch(text.strip())
    first, last = (int(match[1]), int(match[2])) if match else (-1, -1)
    size = None if match is None or match[3] == "*" else int(match[3])
    whole = size is None or last == size - 1
    if first != offset or last < first or not whole:
        raise RemoteRefused(
            f"{_host(response.url)} was asked for the bytes from offset {offset}, but returned a "
            f"different range: {text[:100]!r}"
        )
    return first, last + 1 if size is None else size


def _ended(response: aiohttp.ClientResponse, offset: int, known: Entity | None) -> Answer:
    """Return nothing more, if the file ends where the next byte was asked for."""
    match = _UNSATISFIED.fullmatch(response.headers.get("Content-Range", "").strip())
    if match is None or int(match[1]) != offset:
        raise RemoteChanged(
            f"the file at {_host(response.url)} has changed: it has no byte {offset} any more"
        )
    known = known or Entity()
    return Answer(offset, Entity(known.tag, known.modified, offset), _nothing())


async def _nothing() -> AsyncIterator[bytes]:
    for piece in tuple[bytes, ...]():
        yield piece


def _failure(response: aiohttp.ClientResponse) -> RemoteRefused | RemoteFailed:
    status, host = response.status, _host(response.url)
    said = f"{host} answers {status}" + (f" {response.reason}"[:100] if response.reason else "")
    if status >= 500 or status in _TEMPORARY:
        return RemoteFailed(said, retry_after=_retry_after(response.headers.get("Retry-After", "")))
    return RemoteRefused(said)


def _retry_after(text: str) -> float | None:
    """Return the seconds of a Retry-After (RFC 9110, 10.2.3); None if there are none."""
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _MOST_WAIT)
    date = _date_of(text)
    return None if date is None else min(max(date.timestamp() - time.time(), 0.0), _MOST_WAIT)


def _host(url: URL) -> str:
    """Return what a message names of a URL: no path and no query, which may be secret."""
    return url.host or str(url.origin())


def _text(error: BaseException) -> str:
    if isinstance(error, asyncio.TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
