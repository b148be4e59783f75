"""`POST /api/v1/uploads/{upload}/inspect`: what is understood of a file, be it whole or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.keys import PORTS, SETTINGS
from gateway.uploads.header_check import BEGINNINGS
from gateway.uploads.uploads import Uploads
from shared.aggregation.json_reader import read_aggregation
from shared.errors import BlobNotFound, InputRemoved, InvalidInput, UnsupportedMedia
from shared.http.request_body import json_body
from shared.inspection.inspect import inspection_view
from shared.uploads.metadata import aggregation_of

if TYPE_CHECKING:
    from gateway.uploads.upload import Upload
    from shared.aggregation.spec import Aggregation

AGGREGATION = "aggregation"


async def inspect_upload(request: web.Request) -> web.Response:
    """Tell what is understood of an upload, and whether what is asked is for such a file."""
    asked = await _asked(request)
    upload = await Uploads.of(request.app).find(request.match_info["upload"])
    gone = InputRemoved("the bytes of the upload are not kept any longer; upload the file again")
    if not upload.kept:
        raise gone
    try:
        found = await request.app[BEGINNINGS].inspect(
            request.app[PORTS].blobs, upload, asked or _declared(upload)
        )
    except BlobNotFound as error:
        raise gone from error
    return web.json_response(inspection_view(found).as_json())


async def _asked(request: web.Request) -> Aggregation | None:
    """What the body asks of the file, if there is one."""
    if not request.can_read_body:
        return None
    if request.content_type != "application/json":
        raise UnsupportedMedia(f"the request is {request.content_type}; send application/json")
    fields = await json_body(request, request.app[SETTINGS].client_timeout)
    if unknown := fields.keys() - {AGGREGATION}:
        raise InvalidInput(
            f"unknown: {', '.join(sorted(unknown))}; send {AGGREGATION}, or nothing",
            field=min(unknown),
        )
    aggregation = fields.get(AGGREGATION)
    return None if aggregation is None else read_aggregation(aggregation, AGGREGATION)


def _declared(upload: Upload) -> Aggregation | None:
    """What was asked for when the upload was begun, if anything was."""
    aggregation = aggregation_of(upload.blob.metadata)
    return None if aggregation.is_default else aggregation
