"""Bytes of request bodies that a server holds in memory, of all connections together.

One connection may be read far ahead of what its body is passed on to, which makes it fast. If many
are, none may have more than what one read of its socket brings, until others hold less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from aiohttp import StreamReader, web

MOST_HELD = 64 << 20
"""Bytes that all connections of a server hold together while each is read far ahead."""
SCARCE_READ = 64 << 10
"""Bytes of a body that are passed on at a time when they hold more. The event loop itself reads up
to 256,000 bytes of a socket at a time."""


class AllHeldBytes:
    """The sum over the connections of a server."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._connections: WeakSet[HeldBytes] = WeakSet()
        # Never less than the sum: bytes that were passed on are found when it reaches the most.
        self._estimate = 0

    @property
    def size(self) -> int:
        """The bytes that are held now."""
        return sum(each.size for each in self._connections)

    @property
    def scarce(self) -> bool:
        """Whether connections hold so much that none may be read far ahead."""
        if self._estimate <= self._most:
            return False
        self._estimate = self.size
        return self._estimate > self._most

    def add(self, connection: HeldBytes) -> None:
        """Count a connection as long as it exists."""
        self._connections.add(connection)

    def received(self, size: int) -> None:
        """Count bytes that were read from a socket."""
        self._estimate += size


class HeldBytes:
    """The bytes that one connection holds: those received, and those that are being passed on."""

    def __init__(self, everything: AllHeldBytes) -> None:
        self._all = everything
        self._passed_on = 0
        self.body: StreamReader | None = None
        """The body that is received; None if there is none."""
        everything.add(self)

    @property
    def size(self) -> int:
        """The bytes that are held now."""
        return self._passed_on + self._unread

    def most_at_a_time(self, otherwise: int) -> int:
        """Return how many bytes may be passed on at a time, `otherwise` if others hold little."""
        return min(SCARCE_READ, otherwise) if self._all.scarce else otherwise

    @property
    def should_pause(self) -> bool:
        """Whether the connection may be read again only after bytes that it holds were taken.

        One that holds none is always read, so connections never wait for each other.
        """
        return bool(self._unread) and not self._is_complete and self._all.scarce

    def received(self, size: int) -> None:
        """Count bytes that were read from the socket."""
        self._all.received(size)

    def pass_on(self, size: int) -> None:
        """Count so many bytes of the body as being passed on, instead of those before."""
        self._passed_on = size

    @property
    def _unread(self) -> int:
        # aiohttp's empty body, which all requests without one share, has no size.
        return getattr(self.body, "_size", 0)

    @property
    def _is_complete(self) -> bool:
        return self.body is None or self.body.is_eof()


def held_bytes(request: web.Request) -> HeldBytes:
    """Return what the connection of a request holds; without limits if it is not one of ours."""
    held = getattr(request.protocol, "held", None)
    return held if isinstance(held, HeldBytes) else HeldBytes(AllHeldBytes())
