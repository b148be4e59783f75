"""Send a file: in one request to a server on this machine, else in chunks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from csvmill.client.appending import Appending
from csvmill.client.defaults import CHUNK_SIZE
from csvmill.client.errors import BodyTooLarge, ClientError
from csvmill.client.paths import chunk_path, upload_path
from csvmill.client.source import content_digest
from csvmill.client.uploading import Uploading
from shared.api.upload import UploadView

if TYPE_CHECKING:
    import random

    from csvmill.client.progress import ReportProgress
    from csvmill.client.source import Source
    from csvmill.client.transport import Transport


async def send(
    transport: Transport,
    source: Source,
    upload: UploadView,
    *,
    chunk_size: int | None,
    parallel: int,
    progress: ReportProgress,
    shuffle: random.Random | None,
) -> UploadView:
    """Send what is missing of an upload; return the upload when it is complete.

    Raises as `AsyncClient.upload`.
    """
    if chunk_size is None and shuffle is None and transport.is_local:
        try:
            return await Appending(transport, source, progress).complete(upload)
        except BodyTooLarge:  # the server is behind a proxy on this machine
            upload = UploadView.of(await transport.json("GET", upload_path(upload.id)))
    return await Uploading(
        transport, source, chunk_size=chunk_size or CHUNK_SIZE,
        parallel=parallel, progress=progress, shuffle=shuffle,
    ).complete(upload)  # fmt: skip


async def job_of(transport: Transport, upload: UploadView) -> str:
    """Return the id of the job of a complete upload.

    If the file is empty, or the gateway died before it created the job, an empty chunk makes the
    server create it.
    """
    if upload.job_id is None:
        path = chunk_path(upload.id, upload.size or 0)
        headers = {
            "Content-Digest": content_digest(hashlib.sha256().digest()),
            "Content-Type": "application/octet-stream",
        }
        answer = await transport.json("PUT", path, body=b"", headers=headers)
        upload = UploadView.of(answer)
    if upload.job_id is None:
        raise ClientError(f"upload {upload.id} is complete, but the server returned no job")
    return upload.job_id
