"""Refuses requests that a web page of another origin sends, or that name an unknown host.

A browser sends requests to any address that a page names, this machine's included, and the page
may read the answers if it has bound its own name to that address (DNS rebinding). Such requests
name a host that is not ours (`Host`), or tell of their page (`Origin`, `Sec-Fetch-Site`). Programs
send neither, and are not affected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from shared.errors import OriginRefused, UnknownHost
from shared.http.hosts import address_of, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
"""The names of this machine that a service on a loopback address answers to."""
HEALTH = frozenset({"/healthz", "/readyz"})
"""Paths that are answered under any name: they show whether the service works, and no more."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing, and whose answers a foreign page cannot read (see `cors`)."""
OWN_SITES = frozenset({"same-origin", "none"})
"""Values of `Sec-Fetch-Site` for a page of this service, and for what a user has asked for."""
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origins:
    """The names that a service answers to, and the origins whose pages may change something."""

    names: frozenset[str]
    """Host names in lower case; `*` is any, `*.example.com` any below `example.com`."""
    addresses: bool
    """Whether any IP address is a name too. A page cannot bind its own name to one."""
    pages: frozenset[str]
    """Origins besides the service's own; `*` is any."""

    @classmethod
    def of(
        cls,
        listening: str,
        names: Iterable[str],
        pages: Iterable[str],
        public_url: str | None = None,
    ) -> Self:
        """Return those of a service that listens on the address or name `listening`.

        On a loopback address it answers to the names of this machine and to `names`. Elsewhere it
        also answers to every IP address: checks of health and of metrics use them. The host and
        the origin of `public_url` are its own.
        """
        known = {*LOCAL_NAMES, *(name.lower() for name in names), listening.lower().strip("[]")}
        own = set(pages)
        if public_url is not None:
            parts = urlsplit(public_url)
            known.add(parts.hostname or "")
            own.add(f"{parts.scheme}://{parts.netloc}".lower())
        return cls(frozenset(known), not is_loopback(listening), frozenset(own))

    def check(
        self, method: str, path: str, headers: Mapping[str, str], stated_host: str | None = None
    ) -> None:
        """Raise UnknownHost or OriginRefused unless the request is one for this service.

        `stated_host` is the host that the client has named to a trusted proxy.
        """
        host = headers.get("Host")
        for name in {host, stated_host} - {None}:
            if path not in HEALTH and not self._answers_to(name or ""):
                raise UnknownHost(
                    f"this service does not answer to the name {name!r}; list it in "
                    "CSVMILL_ALLOWED_HOSTS"
                )
        host = stated_host or host
        if "*" in self.pages:
            return
        origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site")
        if method not in READING:
            self._check_page(host or "", origin, site)
        elif method != "OPTIONS" and path not in HEALTH and origin not in self.pages:
            _check_embedding(site, headers.get("Sec-Fetch-Mode"))

    def _answers_to(self, host: str) -> bool:
        if "*" in self.names:
            return True
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name in self.names or (self.addresses and address_of(name) is not None):
            return True
        return any(
            known.startswith("*.") and name.endswith(known[1:]) and name != known[2:]
            for known in self.names
        )

    def _check_page(self, host: str, origin: str | None, site: str | None) -> None:
        """Raise OriginRefused for a page that is neither the service's own nor a known one."""
        if origin is None:
            if site is not None and site not in OWN_SITES:
                raise OriginRefused(
                    f"a page of another origin ({site}) must not change anything here; list its "
                    "origin in CSVMILL_CORS_ORIGINS"
                )
        elif origin not in self.pages and not _is_own(origin, host):
            raise OriginRefused(
                f"a page of {origin!r} must not change anything here; list this origin in "
                "CSVMILL_CORS_ORIGINS"
            )


def _check_embedding(site: str | None, mode: str | None) -> None:
    """Raise OriginRefused if a foreign page loads something in the background.

    It could not read the answer, but take connections and event streams. Users may follow links.
    """
    if site is not None and site not in OWN_SITES and mode not in (None, "navigate"):
        raise OriginRefused(
            f"a page of another origin ({site}) must not load anything from here; list its origin "
            "in CSVMILL_CORS_ORIGINS"
        )


def _is_own(origin: str, host: str) -> bool:
    """Whether an origin is that of the service itself, as the client names it.

    The scheme is not compared: behind a proxy with TLS the service does not know it.
    """
    try:
        page, service = urlsplit(origin), urlsplit(f"//{host}")
        default = DEFAULT_PORTS.get(page.scheme)
        if default is None or page.hostname is None:
            return False
        return (page.hostname, page.port or default) == (
            service.hostname,
            service.port or default,
        )
    except ValueError:
        return False
