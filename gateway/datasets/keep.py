"""`PUT /api/v1/uploads/{upload}/keep`: how long an upload is kept although no job needs it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.json_bodies import read_json
from gateway.datasets.names import complete_upload
from gateway.datasets.view import dataset_views
from gateway.uploads.context import UploadContext
from gateway.uploads.find import find_upload
from gateway.uploads.keeping import seconds_to_keep
from shared.errors import BlobNotFound, InvalidInput, UploadNotFound
from shared.uploads.record import dataset_of

if TYPE_CHECKING:
    from gateway.uploads.upload import Upload
    from shared.jobs.dataset import Dataset


async def keep_upload(request: web.Request) -> web.Response:
    """Keep a complete upload, and return it.

    Raises InvalidInput, UploadNotFound, UploadIncomplete, and InputRemoved if it is being deleted.
    """
    context = UploadContext.of(request)
    fields = await read_json(request)
    if fields.keys() != {"keep"}:
        raise InvalidInput('send {"keep": true}, false, or seconds', field="keep")
    seconds = seconds_to_keep(fields["keep"])
    name = request.match_info["upload"]
    upload = complete_upload(await find_upload(context, name), name)
    now = time.time()
    kept = await _keep(context, upload, None if seconds is None else now + seconds, now)
    (view,) = await dataset_views(context.ports.jobs.datasets, [kept], now)
    return web.json_response(view.as_json())


async def _keep(context: UploadContext, upload: Upload, until: float | None, now: float) -> Dataset:
    """Keep an upload that storage had just before, and check that it still has it.

    The use before lets no sweeper remove it within its grace, and the check finds one that was
    paused for longer.
    """
    datasets = context.ports.jobs.datasets
    kept = await datasets.keep(dataset_of(upload.id, upload.blob), until, now=now)
    try:
        await context.ports.blobs.peek(upload.blob.key)
    except BlobNotFound as error:
        raise UploadNotFound(f"upload {upload.id} was removed in the meantime") from error
    context.events.upload_kept(upload.id, until)
    return kept
