"""Watches how fast a client takes the body of a response, and disconnects one that does not."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from shared.http.connections import unacknowledged
from shared.http.least_rate import LeastRate, RateMeter

if TYPE_CHECKING:
    from aiohttp import web

logger = logging.getLogger(__name__)

LOOKS = 12
"""How often the client is looked at in a window of its least rate."""
UNSENT = 256 << 10
"""Bytes that the kernel holds for a connection beyond those that are on their way."""


class Taking:
    """A context in which a client takes a body.

    The connection is aborted when bytes wait and the client took none for `client_timeout` seconds
    (None: no limit), or fewer than `least` demands. Sendfile has its own `client_timeout`, and
    reports what it sends to `sent_by_file`.
    """

    def __init__(
        self,
        request: web.Request,
        transport: asyncio.WriteTransport,
        *,
        client_timeout: float | None,
        least: LeastRate | None,
    ) -> None:
        self._request = request
        self._transport = transport
        self._client_timeout = client_timeout
        self._least = least if least is not None and least.rate > 0 else None
        self._meter = RateMeter(self._least or LeastRate(0, 1))
        self._by_file = 0
        self._stalled_at = -1
        self._looked_at = (0, False)
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._limit_unsent()
        if self._client_timeout is not None:
            self._again("stall", self._client_timeout)
        if self._least is not None:
            self._look()
        return self

    def __exit__(self, *_: object) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def sent_by_file(self, size: int) -> None:
        """Count bytes that were sent past the transport."""
        self._by_file += size

    def _limit_unsent(self) -> None:
        # The kernel would hold megabytes for a client that reads slowly after a fast start.
        opened = self._transport.get_extra_info("socket")
        if opened is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            with suppress(OSError):  # not TCP
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)

    def _again(self, name: str, seconds: float) -> None:
        check = self._check_stall if name == "stall" else self._check_rate
        self._timers[name] = self._loop.call_later(seconds, check)

    def _check_stall(self) -> None:
        waiting = self._transport.get_write_buffer_size()
        before, self._stalled_at = self._stalled_at, self._request.writer.output_size - waiting
        if waiting and self._stalled_at == before:
            self._abort("stopped reading")
        elif self._client_timeout is not None:
            self._again("stall", self._client_timeout)

    def _check_rate(self) -> None:
        taken, waiting = self._looked_at
        self._look()
        if not (waiting and self._looked_at[1]):
            self._meter.reset()  # the client has taken everything: it waits for us
        elif self._meter.too_slow(self._interval, self._looked_at[0] - taken):
            self._abort("reads too slowly")

    @property
    def _interval(self) -> float:
        return self._least.window / LOOKS if self._least else 0.0

    def _look(self) -> None:
        """Note what the client has acknowledged so far, and whether anything waits for it."""
        waiting = self._transport.get_write_buffer_size() + _unacknowledged(self._transport)
        sent = self._request.writer.output_size + self._by_file
        self._looked_at = sent - waiting, waiting > 0
        self._again("rate", self._interval)

    def _abort(self, what: str) -> None:
        logger.debug("%s: the client %s", self._request.path, what)
        self._transport.abort()


def _unacknowledged(transport: asyncio.WriteTransport) -> int:
    """Return the bytes that the kernel holds until the peer acknowledges them; 0 if not known."""
    opened = transport.get_extra_info("socket")
    if sys.platform != "linux" or opened is None or transport.is_closing():
        return 0
    try:
        return unacknowledged(opened.fileno())
    except OSError:  # closed meanwhile
        return 0
