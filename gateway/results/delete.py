"""`DELETE /api/v1/jobs/{job_id}/result`: deletes what a job has computed, and keeps the job."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.events import EVENTS
from gateway.jobs.requested import requested_job
from gateway.keys import PORTS
from gateway.results.download import no_result
from shared.blobs.blob import preview_key, rejects_key, result_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job


async def delete_result(request: web.Request) -> web.Response:
    """Delete the result, the rejects and the preview. When this is answered, they are gone.

    From the first statement on, nothing starts to read them. A download in progress keeps its open
    file, and gets every byte. Raises JobNotFound, NoResult, and if bytes could not be deleted the
    errors of `Blobs.delete`: repeating the request deletes them.
    """
    ports = request.app[PORTS]
    found = await requested_job(request)
    job = await ports.jobs.delete_result(found.id, now=time.time())
    if job.result is None:
        raise no_result(job)
    for key in _outputs(job):
        await ports.blobs.delete(key)
    request.app[EVENTS].result_deleted(job)
    return web.Response(status=204)


def _outputs(job: Job) -> Iterator[BlobKey]:
    """Yield the keys of everything that the attempts of a job may have stored."""
    for attempt in range(1, job.attempt + 1):
        yield rejects_key(job.id, attempt)
        yield preview_key(job.id, attempt)
        yield result_key(job.id, attempt)
