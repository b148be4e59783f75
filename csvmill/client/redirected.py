"""GET requests that the server may redirect to object storage."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from yarl import URL

from csvmill.client.errors import ClientError, Refused, ServerUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import aiohttp

    from csvmill.client.transport import Transport

REDIRECTED = 307


@asynccontextmanager
async def get(
    transport: Transport, path: str, headers: Mapping[str, str]
) -> AsyncIterator[tuple[aiohttp.ClientResponse, bool]]:
    """Send a GET request once; yield the response, and whether it is that of object storage.

    Object storage receives `headers` and nothing else: no API key. Whatever it refuses, such as a
    URL that has expired, is raised as ServerUnavailable: the server may give another URL. Raises as
    `Transport.request`, and ClientError if the URL is not as safe as that of the server.
    """
    async with transport.request("GET", path, headers=headers, accept=(REDIRECTED,)) as response:
        if response.status != REDIRECTED:
            yield response, False
            return
        there = _location(transport, path, response.headers.get("Location", ""))
    async with transport.request_elsewhere(there, headers) as response:
        if response.status >= 300:
            raise ServerUnavailable(
                f"{_shown(there)}, to which {transport.server} redirects downloads, answers "
                f"{response.status} {response.reason}"
            )
        yield response, True


def _location(transport: Transport, path: str, text: str) -> URL:
    here = URL(transport.server + path)
    try:
        there = URL(text, encoded=True)  # the signature is of these characters
    except ValueError:
        there = URL()
    if there.scheme not in ("http", "https") or there.path == here.path:
        raise Refused(REDIRECTED, f"{here} redirects; use the server's own URL")
    if here.scheme == "https" and there.scheme == "http":
        raise ClientError(
            f"{transport.server} redirects downloads to {_shown(there)}, which is not encrypted: "
            "its operator has to set CSVMILL_BLOBS_PUBLIC_ENDPOINT to an https URL"
        )
    return there


def _shown(url: URL) -> str:
    """Return a URL without its signature."""
    return str(url.origin())
