"""Refuses requests for an upload that has moved to another server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from shared.blobs.blob import parse_key
from shared.blobs.epochs import EPOCH_FIELD, parse_epoch
from shared.ports.adoption import AdoptsUploads

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

    from shared.ports import Blobs


def require_epoch(blobs: Blobs) -> Middleware:
    """Return a middleware that checks the epoch which a request names; see `AdoptsUploads.hold`.

    The middleware raises BlobMoved, InvalidInput. Without shared object storage nothing moves, and
    epochs are ignored.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        epoch, key = request.headers.get(EPOCH_FIELD), request.match_info.get("key")
        if epoch is not None and key is not None and isinstance(blobs, AdoptsUploads):
            await blobs.hold(parse_key(key), parse_epoch(epoch))
        return await handler(request)

    return check
