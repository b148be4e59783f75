"""`GET /openapi.json` and `GET /docs`."""

from __future__ import annotations

import json
from functools import cache

from aiohttp import web

from shared.http.security_headers import OF_PAGES


async def openapi_json(_request: web.Request) -> web.Response:
    """Return the OpenAPI document."""
    return web.Response(text=_as_json(), content_type="application/json")


async def docs(_request: web.Request) -> web.Response:
    """Return the document as a page that loads nothing from elsewhere."""
    return web.Response(text=_as_page(), content_type="text/html", headers=OF_PAGES)


# The document is imported by the first request for it: making it takes a sixth of the time in
# which a gateway starts.


@cache
def _as_json() -> str:
    from gateway.openapi.document import DOCUMENT

    return json.dumps(DOCUMENT, ensure_ascii=False)


@cache
def _as_page() -> str:
    from gateway.openapi.document import DOCUMENT
    from gateway.openapi.page import page

    return page(DOCUMENT)
