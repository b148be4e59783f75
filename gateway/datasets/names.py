"""Finds the uploads that a request for a job names."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.uploads.find import look_up
from shared.errors import AmbiguousName, UploadIncomplete, UploadNotFound
from shared.jobs.job_input import JobInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.datasets.job_request import AskedInput
    from gateway.uploads.context import UploadContext
    from gateway.uploads.upload import Upload

FOUND_AT_A_TIME = 8
"""Uploads of one request that are looked up at the same time: it may name a thousand."""
NAMESAKES = 100
"""Uploads with the same name that are compared."""


async def find_inputs(
    context: UploadContext, asked: Sequence[AskedInput]
) -> tuple[list[JobInput], list[Upload]]:
    """Return the inputs that a client names, and their uploads, in the same order.

    Each of them is used by this: no sweeper removes it within its grace. Raises UploadNotFound,
    AmbiguousName, and UploadIncomplete.
    """
    turns = asyncio.Semaphore(FOUND_AT_A_TIME)

    async def find(name: str) -> Upload:
        async with turns:
            return await _find(context, name)

    # In a group the others end with the first one that fails.
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(find(each.upload)) for each in asked]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    uploads = [task.result() for task in tasks]
    return [_input_of(upload) for upload in uploads], uploads


async def _find(context: UploadContext, name: str) -> Upload:
    """Return the upload with this id, client-given name, or file name."""
    upload: Upload | None = None
    for upload_id in context.ids_of(name):
        upload = await look_up(context, upload_id)
        if upload is not None and upload.kept:
            break
    if upload is None or not upload.kept:
        upload = await _find_by_file_name(context, name) or upload
    if upload is None:
        raise UploadNotFound(f"There is no upload {name!r}")
    return complete_upload(upload, name)


def complete_upload(upload: Upload, name: str) -> Upload:
    """Return an upload if it is complete, and its bytes are kept.

    Raises UploadNotFound, for a part of another upload too, and UploadIncomplete.
    """
    if not upload.kept:
        raise UploadNotFound(f"The bytes of upload {name!r} were removed; upload the file again")
    if upload.blob.size is None or not upload.blob.complete:
        raise UploadIncomplete(f"upload {name!r} is not complete; send the rest of it first")
    if upload.is_part:
        raise UploadNotFound(f"Upload {name!r} is a part of another one")
    return upload


async def _find_by_file_name(context: UploadContext, name: str) -> Upload | None:
    found = await context.ports.jobs.datasets.listed(context.tenant, name=name, limit=NAMESAKES)
    if not found:
        return None
    digests = {each.sha256 for each in found}
    if len(found) > 1 and (None in digests or len(digests) > 1):
        raise AmbiguousName(
            f"{len(found)} uploads have the name {name!r}, and may have different bytes; send the "
            f"id of one: {', '.join(str(each.upload_id) for each in found)}"
        )
    for each in found:
        upload = await look_up(context, each.upload_id)
        if upload is not None and upload.kept:
            return upload
    return None


def _input_of(upload: Upload) -> JobInput:
    blob = upload.blob
    return JobInput(
        upload.id, blob.key, upload.filename, blob.size or 0, blob.version or None, blob.sha256
    )
