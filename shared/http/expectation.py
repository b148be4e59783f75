"""`Expect: 100-continue`: the body is invited when it is about to be read (RFC 9110, 10.1.1).

Until then the request may be refused, and its client learns it without sending the body. aiohttp
would send `100 Continue` before the handler runs, so that `Connection` hides the field from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, web

if TYPE_CHECKING:
    from aiohttp.http import RawRequestMessage

CONTINUE = "100-continue"
_WAITS = web.RequestKey("waits_for_100", bool)


def expects_continue(message: RawRequestMessage) -> bool:
    """Whether the client of a request waits for `100 Continue` before it sends the body."""
    expected = message.headers.get("Expect", "")
    return message.version >= HttpVersion11 and expected.strip().lower() == CONTINUE


def without_expectation(message: RawRequestMessage) -> RawRequestMessage:
    """Return a request without the field."""
    headers = message.headers.copy()
    headers.popall("Expect", None)
    return message._replace(headers=type(message.headers)(headers))


def set_waiting(request: web.BaseRequest) -> None:
    """Note that the client of a request waits."""
    request[_WAITS] = True


def is_waiting(request: web.BaseRequest) -> bool:
    """Whether the client of a request waits, and may never send the body."""
    return bool(request.get(_WAITS, False))


async def invite(request: web.BaseRequest) -> None:
    """Send `100 Continue` to a client that waits for it, unless it has sent bytes already."""
    if not is_waiting(request):
        return
    request[_WAITS] = False
    if request.content.total_bytes == 0:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # The size of the response is counted from here.
        request.writer.output_size = 0
