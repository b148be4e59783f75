"""Checks that a spec fits the files of a job before the job is created."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.errors import BlobNotFound, InputRemoved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.uploads.context import UploadContext
    from gateway.uploads.upload import Upload
    from shared.aggregation.spec import Aggregation

CHECKED = 100
"""Files that are checked before the job is created; it checks all of them itself."""


async def check_headers(
    context: UploadContext, uploads: Sequence[Upload], aggregation: Aggregation
) -> None:
    """Raise SpecMismatch if the spec does not fit one of the first files, as the job would.

    Raises InputRemoved if one was removed meanwhile.
    """
    unique = list({upload.id: upload for upload in uploads}.values())[:CHECKED]
    checker, blobs = context.header_checker, context.ports.blobs
    outcomes = await asyncio.gather(
        *(checker.check_complete(blobs, upload, aggregation) for upload in unique),
        return_exceptions=True,
    )
    for error in filter(None, outcomes):
        if isinstance(error, BlobNotFound):
            raise InputRemoved(
                "an upload was removed in the meantime; upload the file again"
            ) from error
        raise error
