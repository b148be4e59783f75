"""What proxies before the service say of a request, as far as they are trusted.

A proxy tells the address of the client (`X-Forwarded-For`), and how the client reaches it:
`X-Forwarded-Proto`, `-Host` and `-Prefix`, or `Forwarded` (RFC 7239). Anybody can send these
fields, so only those of `CSVMILL_TRUSTED_PROXIES` are believed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multidict import MultiMapping

FIELDS = ("Forwarded", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix")
"""Fields that tell how a client has reached a proxy."""
SIGNS = (*FIELDS, "X-Forwarded-For", "Via")
"""Fields that show that a request has come through a proxy."""
NOT_ONLY_VIA = (*FIELDS, "X-Forwarded-For", "X-Real-IP")
"""Fields by which a proxy is known that does not name itself in `Via` (RFC 9110, 7.6.3)."""
SCHEMES = frozenset({"http", "https"})
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~%!$&'()*+,;=:@-]+){1,16}")
_PAIR = re.compile(r'\s*([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^;,"\s]*))\s*(?:;|$)')


@dataclass(frozen=True, slots=True)
class Stated:
    """How a client has reached the proxy; None where the proxy does not say, or nothing valid."""

    scheme: str | None = None
    host: str | None = None
    """Name or address, with the port if it is not that of the scheme."""
    prefix: str | None = None
    """The path that the proxy has removed from that of the request, such as `/csv`."""


NOTHING = Stated()


def is_trusted(address: str | None, proxies: tuple[str, ...]) -> bool:
    """Whether an address is in one of the networks of the proxies."""
    if not proxies or address is None:
        return False
    try:
        found = ip_address(address)
    except ValueError:  # a Unix socket has none
        return False
    return any(found in network for network in networks(proxies))


@lru_cache(maxsize=16)
def networks(proxies: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks that a setting names."""
    return tuple(ip_network(each) for each in proxies)


def stated(headers: MultiMapping[str]) -> Stated:
    """Return what the nearest proxy says: of a list, the last element is its own.

    What is not a scheme, a host or a path is left out. `Forwarded` has no prefix, so both kinds of
    fields may be there; of the same value, that of `X-Forwarded-...` is taken.
    """
    standard = _standard(_last(headers, "Forwarded"))
    return Stated(
        scheme=_scheme(_last(headers, "X-Forwarded-Proto") or standard.get("proto", "")),
        host=_host(_last(headers, "X-Forwarded-Host") or standard.get("host", "")),
        prefix=prefix_of(_last(headers, "X-Forwarded-Prefix")),
    )


def prefix_of(path: str) -> str | None:
    """Return a path as a prefix of others, without a slash at its end; None if it is not one."""
    path = path.strip().rstrip("/")
    if not path:
        return ""
    segments = path.split("/")
    return path if _PREFIX.fullmatch(path) and not {".", ".."} & set(segments) else None


def is_authority(text: str) -> bool:
    """Whether a text is a name or an address of a host, with or without a port."""
    return _AUTHORITY.fullmatch(text) is not None


def _last(headers: MultiMapping[str], name: str) -> str:
    given = headers.getall(name, [])
    return given[-1].rpartition(",")[2].strip() if given else ""


def _scheme(text: str) -> str | None:
    return text.lower() if text.lower() in SCHEMES else None


def _host(text: str) -> str | None:
    return text if is_authority(text) else None


def _standard(element: str) -> dict[str, str]:
    """Return the parameters of an element of `Forwarded` (RFC 7239, section 4)."""
    found: dict[str, str] = {}
    position = 0
    while position < len(element):
        match = _PAIR.match(element, position)
        if match is None:
            return {}
        quoted = match[2]
        found[match[1].lower()] = match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        position = match.end()
    return found
