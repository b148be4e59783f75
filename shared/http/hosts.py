"""Names and addresses of hosts."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit


def address_of(name: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address that a name is, in brackets or without; None if it is another name."""
    try:
        return ip_address(name.strip("[]"))
    except ValueError:
        return None


def is_loopback(name: str) -> bool:
    """Whether a name or an address to listen on is reached from this machine only."""
    address = address_of(name)
    return name.lower() == "localhost" if address is None else address.is_loopback


def is_private_url(url: str) -> bool:
    """Whether no host on the network can change what a URL is answered: https, or loopback."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    )
