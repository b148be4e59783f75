"""The request for a presigned URL of a blob (`shared.ports.linking`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from shared.blobs.blob import parse_key
from shared.blobs.linking import parse_link
from shared.ports.linking import LinksBlobs

if TYPE_CHECKING:
    from shared.ports import Blobs


def link_route(blobs: Blobs) -> web.RouteDef:
    """Return the route. It answers that there is no URL if `blobs` has none."""

    async def link(request: web.Request) -> web.Response:
        key = parse_key(request.match_info["key"])
        seconds, content_type, disposition = parse_link(request.query)
        url = None
        if isinstance(blobs, LinksBlobs):
            url = await blobs.link(key, seconds, content_type=content_type, disposition=disposition)
        return web.json_response({"url": url})

    return web.get("/blobs/{key}/link", link, allow_head=False)
