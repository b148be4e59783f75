"""`POST /api/v1/uploads/{upload}/inspect`: describes a file, complete or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.caller import tenant_of
from gateway.access.json_bodies import read_json
from gateway.inspections.inspector import INSPECTOR
from gateway.uploads.context import UploadContext
from gateway.uploads.find import find_upload
from shared.aggregation.json_reader import read_aggregation
from shared.errors import BlobNotFound, InputRemoved, InvalidInput, UnsupportedMedia
from shared.inspection.inspection_view import inspection_view
from shared.uploads.metadata import aggregation_of

if TYPE_CHECKING:
    from gateway.uploads.upload import Upload
    from shared.aggregation.spec import Aggregation

SPEC_FIELD = "aggregation"


async def inspect_upload(request: web.Request) -> web.Response:
    """Return the description of a file, and whether a spec fits it."""
    context = UploadContext.of(request)
    spec = await _spec(request, context)
    upload = await find_upload(context, request.match_info["upload"])
    removed = InputRemoved("the bytes of the upload were removed; upload the file again")
    if not upload.kept:
        raise removed
    try:
        found = await request.app[INSPECTOR].inspect_blob(
            context.ports.blobs, upload.blob, spec or _declared_spec(upload), tenant_of(request)
        )
    except BlobNotFound as error:
        raise removed from error
    return web.json_response(inspection_view(found).as_json())


async def _spec(request: web.Request, context: UploadContext) -> Aggregation | None:
    """Return the spec in the body, if there is one."""
    if not request.can_read_body:
        return None
    if request.content_type != "application/json":
        raise UnsupportedMedia(f"the request is {request.content_type}; send application/json")
    fields = await read_json(request)
    if unknown := fields.keys() - {SPEC_FIELD}:
        raise InvalidInput(
            f"unknown: {', '.join(sorted(unknown))}; send {SPEC_FIELD}, or nothing",
            field=min(unknown),
        )
    spec = fields.get(SPEC_FIELD)
    return None if spec is None else read_aggregation(spec, SPEC_FIELD)


def _declared_spec(upload: Upload) -> Aggregation | None:
    """Return the spec that the upload was created with, if it had one."""
    aggregation = aggregation_of(upload.blob.metadata)
    return None if aggregation.is_default else aggregation
