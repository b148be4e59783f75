"""What one connection, and all connections of one address, may take of a server."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from shared.http.held_bytes import MOST_HELD

IDLE_TIMEOUT = 75.0
HEAD_TIMEOUT = 15.0
TELL_AGAIN = 60.0
"""Seconds in which a refusal of an address is logged once."""
MOST_TOLD = 10_000
"""Refusals that are remembered."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of a server. Times are in seconds."""

    idle_timeout: float = IDLE_TIMEOUT
    """Without a request, after the connection was opened or the last response was sent."""
    head_timeout: float = HEAD_TIMEOUT
    """From the first byte of a request to the end of its head."""
    write_timeout: float | None = None
    """Without a byte of a response taken by the client; None is no limit."""
    per_address: int = 0
    """Connections of one address at the same time; 0 is no limit."""
    most_held: int = MOST_HELD
    """Bytes of bodies that all connections hold while they are read far ahead: `held_bytes`."""
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Addresses with any number of connections, as those of this machine."""


class Addresses:
    """Counts the connections of each address."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._open: Counter[str] = Counter()
        self._told: set[tuple[str, int]] = set()
        self._told_since = -TELL_AGAIN

    def opened(self, address: str) -> bool:
        """Count a connection. Returns False, and does not count it, if there are too many."""
        limit = self._limits.per_address
        if limit and self._open[address] >= limit and not self._exempt(address):
            return False
        self._open[address] += 1
        return True

    def closed(self, address: str) -> None:
        """Count a connection that `opened` has counted as closed."""
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    def first_refusal(self, address: str, status: int, now: float) -> bool:
        """Whether a refusal is the first one for a while of its kind, and of its address.

        Others need no line in the log. `now` is in seconds, of any clock.
        """
        if now - self._told_since >= TELL_AGAIN or len(self._told) >= MOST_TOLD:
            self._told.clear()
            self._told_since = now
        refusal = (address, status)
        if refusal in self._told:
            return False
        self._told.add(refusal)
        return True

    def _exempt(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:  # a Unix socket has none
            return True
        return found.is_loopback or any(found in network for network in self._limits.proxies)
