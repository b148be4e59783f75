"""What becomes of the connection that a request came over."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


def client_disconnected(request: web.Request) -> bool:
    """Whether nobody waits for an answer any more, so that it is no fault if none can be sent."""
    return request.transport is None or request.transport.is_closing()
