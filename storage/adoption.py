"""The requests by which uploads move between servers (`shared.ports.adoption`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from shared.blobs.blob import parse_key
from shared.blobs.codecs import encode_info
from shared.blobs.epochs import parse_epoch
from shared.ports.adoption import AdoptsUploads
from storage.signs_of_life import with_signs_of_life

if TYPE_CHECKING:
    from shared.ports import Blobs


def adoption_routes(blobs: Blobs) -> list[web.RouteDef]:
    """Return the routes; none if `blobs` adopts no uploads."""
    if not isinstance(blobs, AdoptsUploads):
        return []
    adopts = blobs

    async def adopt(request: web.Request) -> web.Response:
        key, epoch = parse_key(request.match_info["key"]), parse_epoch(request.match_info["epoch"])
        info = await with_signs_of_life(request, adopts.adopt(key, epoch))
        return web.json_response(encode_info(info))

    async def abandon(request: web.Request) -> web.Response:
        key, epoch = parse_key(request.match_info["key"]), parse_epoch(request.match_info["epoch"])
        deleted = "deleted" in request.query
        await with_signs_of_life(request, adopts.abandon(key, epoch, deleted=deleted))
        return web.Response(status=204)

    return [
        web.put("/blobs/{key}/adoption/{epoch}", adopt),
        web.delete("/blobs/{key}/adoption/{epoch}", abandon),
    ]
