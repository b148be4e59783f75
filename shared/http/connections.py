"""The state of the connection of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


def client_disconnected(request: web.Request) -> bool:
    """Whether the client has disconnected, so that failing to answer it is not an error."""
    return request.transport is None or request.transport.is_closing()
