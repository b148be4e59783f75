"""Requests to URLs that clients name: to which hosts they may go.

A client that names a URL must not reach with it what only this service can: the database, a
metadata service, another machine of the network (server-side request forgery). The URL is judged
when it is declared. The addresses of its host are judged when a connection is made, which goes to
these addresses and no others: so a name that is resolved anew cannot change them in between.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from shared.blobs.client_request import ClientRequest
from shared.errors import AddressRefused
from shared.http.public_addresses import contained_address, is_public, read_address

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ssl import SSLContext

    from shared.http.public_addresses import Address, Network

MAX_URL = 2000
"""The most characters of a URL."""
HTTPS_ONLY = frozenset({"https"})
HTTP_TOO = frozenset({"https", "http"})


@dataclass(frozen=True, slots=True)
class OutgoingPolicy:
    """Which URLs and which addresses requests may go to."""

    schemes: frozenset[str] = HTTPS_ONLY
    networks: tuple[Network, ...] = ()
    """Networks that are allowed besides the public internet."""
    hosts: tuple[str, ...] | None = None
    """The names of hosts that are allowed, in lower case; `*.example.com` stands for all names
    below. None for all."""

    def check(self, url: str, *, field: str | None = None) -> URL:
        """Return a URL that requests may go to. Raises AddressRefused, whose text names no secret.

        The addresses of a name are not looked up here: a connection does (see `open_session`).
        A redirect leads to a new URL, to be checked likewise.
        """
        if len(url) > MAX_URL:
            raise AddressRefused(f"a URL has at most {MAX_URL:,} characters", field=field)
        if any(character <= " " or character == "\x7f" for character in url):
            raise AddressRefused("a URL must not contain spaces or control characters", field=field)
        try:
            parts = URL(url)
            host, port = parts.host, parts.port
        except ValueError:
            raise AddressRefused("this is not a URL", field=field) from None
        if parts.scheme not in self.schemes:
            raise AddressRefused(
                f"the URL has to begin with {' or '.join(f'{s}://' for s in sorted(self.schemes))}",
                field=field,
            )
        if not host or not port:
            raise AddressRefused("the URL has no host", field=field)
        if parts.raw_user is not None or parts.raw_password is not None:
            raise AddressRefused(
                "the URL has a user or a password, which would be stored and shown", field=field
            )
        self._check_host(host, field)
        return parts.with_fragment(None)

    def allows(self, address: Address) -> bool:
        """Whether a connection may go to this address."""
        return is_public(address) or any(
            candidate in network
            for candidate in (address, contained_address(address))
            for network in self.networks
        )

    def _check_host(self, host: str, field: str | None) -> None:
        host = host.lower().removesuffix(".")
        if self.hosts is not None and not any(_is_named(host, name) for name in self.hosts):
            raise AddressRefused(f"{host} is not a host that this service sends to", field=field)
        if host == "localhost" or host.endswith(".localhost"):
            host = "127.0.0.1"
        try:
            address = read_address(host)
        except ValueError:
            return  # a name
        if not self.allows(address):
            raise AddressRefused(_refused(str(address)), field=field)


def open_session(
    policy: OutgoingPolicy,
    *,
    timeout: aiohttp.ClientTimeout,
    limit: int = 100,
    ssl: SSLContext | bool = True,
) -> aiohttp.ClientSession:
    """Return a session whose connections go to the addresses that a policy allows.

    Its requests raise AddressRefused otherwise. They are to be sent with `allow_redirects=False`,
    to URLs that `OutgoingPolicy.check` has returned. Cookies are forgotten, content is not decoded,
    and no proxy is used: it would look up the name itself.
    """
    connector = aiohttp.TCPConnector(
        resolver=_Resolver(policy),
        use_dns_cache=False,
        socket_factory=lambda info: _open_socket(policy, info),
        limit=limit,
        ssl=ssl,
    )
    return aiohttp.ClientSession(
        connector=connector,
        request_class=ClientRequest,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


class _Resolver(AbstractResolver):
    """Looks names up as the system does, and leaves out the addresses that are not allowed."""

    def __init__(self, policy: OutgoingPolicy) -> None:
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the allowed addresses of a host. Raises AddressRefused, OSError."""
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
        )
        allowed = [info for info in found if self._policy.allows(read_address(str(info[4][0])))]
        if not allowed:
            raise AddressRefused(_refused(host))
        return [
            ResolveResult(
                hostname=host,
                host=str(info[4][0]),
                port=port,
                family=info[0],
                proto=info[2],
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for info in allowed
        ]

    async def close(self) -> None:
        """Nothing is open."""


def _open_socket(policy: OutgoingPolicy, info: Sequence[Any]) -> socket.socket:
    """Open the socket of one connection, whose address was perhaps not looked up but written."""
    family, kind, proto, _, address = info
    if not policy.allows(read_address(address[0])):
        raise AddressRefused(_refused(address[0]))
    return socket.socket(family=family, type=kind, proto=proto)


def _is_named(host: str, name: str) -> bool:
    """Whether an entry of a list of hosts names a host. IPv6 addresses have brackets there."""
    if name.startswith("*."):
        return host.endswith(name[1:]) and host != name[1:]
    return host == name.strip("[]")


def _refused(host: str) -> str:
    return f"{host} is not on the public internet, nor in CSVMILL_OUTGOING_NETWORKS"
