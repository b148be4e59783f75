"""Links to the service as its clients reach it: directly, or through proxies and below a path.

`Middleware` sets how the client of a request reaches the service. Every path that an answer
contains goes through `public_path`, in header fields and in JSON.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from shared.http.forwarded import (
    NOTHING,
    SIGNS,
    Stated,
    is_authority,
    is_trusted,
    prefix_of,
    stated,
)


@dataclass(frozen=True, slots=True)
class Reached:
    """How a client reaches the service."""

    prefix: str = ""
    """The path below which it is, such as `/csv`; empty at the root of its host."""
    origin: str | None = None
    """Its scheme and host, such as `https://example.com`; None if they are not known."""
    host: str | None = None
    """The host that a trusted proxy states instead of the field `Host`."""


class Reaching:
    """Finds out how clients reach the service, by its settings and their requests."""

    def __init__(self, public_url: str | None, proxies: tuple[str, ...]) -> None:
        self._proxies = proxies
        self._known: Reached | None = None
        if public_url is not None:
            origin = origin_of(public_url)
            self._known = Reached(prefix_of(urlsplit(public_url).path) or "", origin)

    def of(self, request: web.Request) -> Reached:
        """Return how the client of a request reaches the service."""
        if self._known is not None:
            return self._known
        trusted = is_trusted(request.remote, self._proxies)
        said = stated(request.headers) if trusted else NOTHING
        return Reached(said.prefix or "", _origin(request, said, trusted=trusted), said.host)


def origin_of(url: str) -> str:
    """Return the origin of a URL, as browsers write it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


REACHED = web.RequestKey("reached", Reached)
_PREFIX: ContextVar[str] = ContextVar("prefix", default="")


def bind_reached(request: web.Request, reached: Reached) -> None:
    """Make links as the client of this request reaches the service, in its task."""
    request[REACHED] = reached
    _PREFIX.set(reached.prefix)


def public_path(path: str) -> str:
    """Return the path of a route, such as `/api/v1/jobs`, as the client has to write it."""
    return _PREFIX.get() + path


def public_url(request: web.Request, path: str) -> str:
    """Return the URL of the path of a route, or its path if the service does not know its host."""
    origin = request[REACHED].origin if REACHED in request else None
    return (origin or "") + public_path(path)


def _origin(request: web.Request, said: Stated, *, trusted: bool) -> str | None:
    """Return the origin that a client has written into its URL; None if that is not certain.

    Behind a proxy that is not trusted, or that does not state the scheme, the scheme may be
    another one than that of this connection.
    """
    headers = request.headers
    host = said.host or headers.get("Host") or ""
    if not is_authority(host):
        return None
    scheme = said.scheme or _scheme_of_page(headers.get("Origin"), host)
    if scheme is None:
        if not trusted and not any(field in headers for field in SIGNS):
            scheme = request.scheme
        else:
            return None
    return f"{scheme}://{host}"


def _scheme_of_page(origin: str | None, host: str) -> str | None:
    """Return the scheme of the page that sends a request, if it is one of this host."""
    scheme, _, authority = (origin or "").partition("://")
    return scheme if authority == host and scheme in ("http", "https") else None
