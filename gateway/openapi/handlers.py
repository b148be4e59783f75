"""`GET /openapi.json`."""

from __future__ import annotations

import json
from functools import cache

from aiohttp import web


async def openapi_json(_request: web.Request) -> web.Response:
    """Return the OpenAPI document."""
    return web.Response(text=_as_json(), content_type="application/json")


# The document is imported by the first request for it: making it takes a sixth of the time in
# which a gateway starts.


@cache
def _as_json() -> str:
    from gateway.openapi.document import DOCUMENT

    return json.dumps(DOCUMENT, ensure_ascii=False)
