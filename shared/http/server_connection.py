"""A connection of a server: aiohttp's, with the limits and answers that it does not have."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError, InvalidURLError, LineTooLong

from shared.http.connections import unacknowledged
from shared.http.expectation import expects_continue, set_waiting, without_expectation
from shared.http.held_bytes import AllHeldBytes, HeldBytes
from shared.http.security_headers import SERVER
from shared.http.staged_close import StagedClose, body_is_left, body_is_unread, second_descriptor

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable

    from aiohttp import StreamReader
    from aiohttp.web_request import BaseRequest

    from shared.http.connection_limits import Addresses, ConnectionLimits

logger = logging.getLogger(__name__)

LAST_BYTES = 8 << 10
"""How many of the last bytes received are kept."""
ENDS_WITH_CLIENT = web.RequestKey("ends_with_client", bool)
"""Set by handlers of responses without an end: a client that sends no more has left."""
IDLE_CHECK = 0.1
"""Seconds between two looks whether all pipelined requests of a half-closed connection are
answered."""
_REASONS = {
    HTTPStatus.REQUEST_TIMEOUT: "the head of the request did not arrive in time",
    HTTPStatus.TOO_MANY_REQUESTS: "there are too many connections from this address",
    HTTPStatus.REQUEST_URI_TOO_LONG: "the URL is too long",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "a header field is too long",
}


class Connection(web.RequestHandler):
    """Limits what a client may hold, and answers one that sends no more, or too much.

    aiohttp closes a connection whose client has closed its half, and answers a request that it
    cannot parse with plain text. It resets one whose client still sends a body that was refused.
    """

    def __init__(
        self,
        manager: web.Server,
        *,
        limits: ConnectionLimits,
        addresses: Addresses,
        closing: StagedClose,
        held: AllHeldBytes | None = None,
        loop: asyncio.AbstractEventLoop,
        **options: Any,
    ) -> None:
        super().__init__(
            manager,
            loop=loop,
            **{"keepalive_timeout": limits.idle_timeout, "auto_decompress": False, **options},
        )
        self._limits = limits
        self._addresses = addresses
        self._closing = closing
        self.held = HeldBytes(held or AllHeldBytes())
        self._lingers: socket.socket | None = None
        self._unparsed = False
        self._make_request = cast("Callable[..., BaseRequest]", self._request_factory)
        self._request_factory = self._request_that_waits
        self._address: str | None = None
        self._peer = "unknown"
        self._last = b""
        self._newest: StreamReader | None = None
        self._waiting = 0
        self._line_ended, self._begun = False, 0
        self._in_url = False
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def last_bytes(self) -> bytes:
        """The last bytes received, at most `LAST_BYTES`."""
        return self._last

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Refuse the connection if its address has too many."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        self._peer = address or "a client"
        if self._addresses.opened(address):
            self._address = address
        else:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS)

    def connection_lost(self, exc: BaseException | None) -> None:
        """See `asyncio.Protocol`."""
        for name in list(self._timers):
            self._stop(name)
        if self._address is not None:
            self._addresses.closed(self._address)
            self._address = None
        self._newest = self.held.body = None
        super().connection_lost(exc)
        if self._lingers is not None:
            self._closing.start(self._lingers)
            self._lingers = None

    def data_received(self, data: bytes) -> None:
        """Keep the last bytes, wait only so long for the rest of a head, limit what is held."""
        kept = LAST_BYTES - len(data)
        self._last = self._last[-kept:] + data if kept > 0 else data[-LAST_BYTES:]
        self.held.received(len(data))
        super().data_received(data)
        if self._messages:
            message, self._newest = self._messages[-1]
            self.held.body = self._newest
            if isinstance(message, RawRequestMessage):
                self._line_ended, self._begun = False, 0
            elif isinstance(message.exc, LineTooLong):
                self._in_url = self._line_is_too_long(data)
        if data and self.held.should_pause:
            self.pause_reading()  # until bytes of the body are taken
        if not self._is_idle:
            self._stop("head")
            return
        self._line_ended = self._line_ended or b"\n" in data.lstrip(b"\r\n")
        self._begun += len(data)
        if data and "head" not in self._timers:
            self._start("head", self._limits.head_timeout, self._head_is_late)

    def eof_received(self) -> bool | None:  # type: ignore[override] # as `asyncio.Protocol` has it
        """Keep the connection until the requests are answered whose client sends no more."""
        request = self._current_request
        if (
            self._is_idle
            or self._newest is None
            or not self._newest.is_eof()  # the rest of a body is lost
            or (request is not None and request.get(ENDS_WITH_CLIENT, False))
            or self.ssl_context is not None
        ):
            return None
        self._start("answered", IDLE_CHECK, self._close_if_answered)
        return True

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send a response, and close the connection in stages if the client may still send."""
        left = self._unparsed or body_is_left(request)
        if left and isinstance(resp, web.StreamResponse):
            resp.force_close()
        sent, lost = await super().finish_response(request, resp, start_time)
        # aiohttp would wait for the rest of a body, though no request can follow it.
        ends = not sent.keep_alive and body_is_unread(request)
        if (left or ends) and not lost:
            self._close_in_stages()
        return sent, lost

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        super().pause_writing()
        if self._limits.write_timeout is not None:
            self._waiting = self._unread()
            self._start("write", self._limits.write_timeout, self._abort_if_stalled)

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._stop("write")
        super().resume_writing()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that cannot be parsed with problem details (RFC 9457)."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        super().handle_error(request, status, exc, message)  # for its line in the log
        self._unparsed = True
        code = HTTPStatus(status)
        if isinstance(exc, LineTooLong):
            code = (
                HTTPStatus.REQUEST_URI_TOO_LONG
                if self._in_url
                else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            )
        response = web.Response(
            status=code,
            body=_problem(code, _without_bytes(exc)),
            content_type="application/problem+json",
            headers={"Server": SERVER, "X-Content-Type-Options": "nosniff"},
        )
        response.force_close()
        return response

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being answered or waits for its turn."""
        return self._waiter is not None and not self._waiter.done()

    def _request_that_waits(self, message: RawRequestMessage, *rest: Any) -> BaseRequest:
        """Make a request. Of one that waits for `100 Continue`, aiohttp does not learn that."""
        if not expects_continue(message):
            return self._make_request(message, *rest)
        request = self._make_request(without_expectation(message), *rest)
        set_waiting(request)
        return request

    def _close_in_stages(self) -> None:
        """Send what was written, then drop what arrives: `StagedClose`."""
        self._lingers = second_descriptor(self.transport)
        if self._lingers is not None:
            self.force_close()

    def _line_is_too_long(self, data: bytes) -> bool:
        """Whether the request line does not end within its limit; `data` is what came last."""
        begun = max(0, self.max_line_size - self._begun)
        return not self._line_ended and b"\n" not in data.lstrip(b"\r\n")[:begun]

    def _start(self, name: str, seconds: float, then: Callable[[], None]) -> None:
        self._stop(name)
        self._timers[name] = self._loop.call_later(seconds, then)

    def _stop(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()

    def _head_is_late(self) -> None:
        if self._is_idle:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _close_if_answered(self) -> None:
        if self._is_idle:
            self.force_close()
        elif self.transport is not None:
            self._start("answered", IDLE_CHECK, self._close_if_answered)

    def _abort_if_stalled(self) -> None:
        before, self._waiting = self._waiting, self._unread()
        if self.transport is None or self._limits.write_timeout is None:
            return
        if self._waiting >= before:
            self.transport.abort()
        else:
            self._start("write", self._limits.write_timeout, self._abort_if_stalled)

    def _unread(self) -> int:
        """Return the bytes of responses that the client has not taken."""
        if self.transport is None:
            return 0
        opened = self.transport.get_extra_info("socket")
        try:
            sent = 0 if opened is None else unacknowledged(opened.fileno())
        except (OSError, ImportError):
            sent = 0
        return self.transport.get_write_buffer_size() + sent

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer without a request, and close the connection."""
        if self._addresses.first_refusal(self._peer, status, self._loop.time()):
            logger.info("%s is answered %d: %s", self._peer, status, _REASONS[status])
        body = _problem(status, _REASONS[status])
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nServer: {SERVER}\r\n"
            f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n"
            "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        )
        if self.transport is not None:
            self.transport.write(head.encode() + body)
            self._lingers = second_descriptor(self.transport)
        self.force_close()


def _without_bytes(error: HttpProcessingError) -> str:
    """Return what is wrong with a request, and not its bytes, which may be a key."""
    if isinstance(error, InvalidURLError):
        return "Invalid URL"
    return error.message.partition("\n")[0].partition(":")[0].strip()


def _problem(status: HTTPStatus, detail: str) -> bytes:
    said = _REASONS.get(status, detail)
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value}
    # The first clients read `message`.
    return json.dumps({**problem, "detail": said, "message": said}).encode()
