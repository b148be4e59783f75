"""The address of the client that made a request."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from gateway.keys import SETTINGS
from shared.http.forwarded import networks

if TYPE_CHECKING:
    from aiohttp import web


def client_address(request: web.Request) -> str:
    """Return the address of the client, as far as it can be trusted.

    That is the peer of the connection. If the peer is a proxy that the settings name, it is the
    last address in `X-Forwarded-For` that is none of them: what is before, anybody can write.
    """
    address = request.remote or "unknown"
    proxies = networks(request.app[SETTINGS].trusted_proxies)
    passed = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    for before in reversed(passed):
        try:
            if not any(ip_address(address) in proxy for proxy in proxies):
                return address
            address = str(ip_address(before.strip()))
        except ValueError:
            return address
    return address
