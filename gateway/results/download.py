"""Downloads of results: `/api/download_file/{job_id}`, `/api/v1/jobs/{job_id}/result`."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from gateway.access.audit import record_read
from gateway.access.caller import tenant_of
from gateway.events import EVENTS
from gateway.http.errors import error_response
from gateway.http.problems import refuse
from gateway.jobs.requested import requested_job
from gateway.keys import PORTS, SETTINGS
from gateway.results.disposition import content_disposition
from gateway.results.downloads import DOWNLOADS
from gateway.uploads.filenames import result_filename
from shared.access.audit import Action
from shared.aggregation.formats import FORMATS
from shared.api.view import rfc3339
from shared.blobs.content import Content, single_piece
from shared.errors import (
    BlobIncomplete,
    BlobNotFound,
    ChunkOutOfBounds,
    InvalidInput,
    NoResult,
    ResultExpired,
    ResultLost,
)
from shared.http.conditions import IDENTITY, Representation
from shared.http.content_codings import CODINGS
from shared.http.download import Download, send_download
from shared.jobs.job import JobState
from shared.ports.linking import LinksBlobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiohttp import web

    from shared.blobs.blob import BlobKey
    from shared.errors import CsvmillError
    from shared.jobs.job import Job, JobResult
    from shared.ports import Ports

MAX_AGE = 7 * 24 * 3600
"""Seconds for which a client may cache a result: the default retention. A result never changes
(`immutable`, RFC 8246), shared caches must not store it (`private`, RFC 9111, 5.2.2.7), and no
proxy may compress it, which would change its digest (`no-transform`, 5.2.2.6)."""


@dataclass(frozen=True, slots=True)
class OutputFile:
    """An output of a job as it is downloaded: the result or the rejects."""

    source: BlobKey | bytes
    """The key of the blob, or the bytes themselves."""
    size: int
    """Bytes."""
    sha256: str
    """In lower-case hexadecimal; the strong ETag."""
    filename: str
    media_type: str
    compressed: bool = False
    """Whether a content coding would not make it smaller."""


async def download_file(request: web.Request) -> web.StreamResponse:
    """Send the result as an attachment, without a content coding, so that it can be resumed.

    Never redirects: the first clients know no redirection.
    """
    job = await requested_job(request)
    if job.state is not JobState.SUCCESS or job.result is None:
        return error_response(HTTPStatus.BAD_REQUEST, _no_result(job), job_status=job.state.value)
    return await send_file(
        request, job, _result_file(job, job.result), refuse=_refuse, redirect=False
    )


def _refuse(error: CsvmillError) -> web.Response:
    return error_response(error.status, str(error))


async def show_result(request: web.Request) -> web.StreamResponse:
    """Send the result, with a content coding if the request accepts one, and errors as problems.

    Raises as `codings_of`, `requested_result` and `send_file`.
    """
    codings = codings_of(request)
    job, result = await requested_result(request)
    return await send_file(request, job, _result_file(job, result), refuse=refuse, codings=codings)


def codings_of(request: web.Request) -> tuple[str, ...]:
    """Return the content codings to offer: none if the query has `encoding=identity`.

    A link can select by its query, where only the browser chooses the header fields. Raises
    InvalidInput for another value.
    """
    asked = request.query.get("encoding")
    if asked not in (None, IDENTITY):
        raise InvalidInput(f"encoding is {asked!r}; send {IDENTITY}, or omit it", field="encoding")
    return () if asked else CODINGS


async def requested_result(request: web.Request) -> tuple[Job, JobResult]:
    """Return the job that the URL names, and its result.

    Raises JobNotFound, NoResult and ResultExpired.
    """
    job = await requested_job(request)
    if job.state is not JobState.SUCCESS or job.result is None:
        raise no_result(job)
    check_kept(job)
    return job, job.result


def no_result(job: Job) -> NoResult:
    """Return the error of a job that has no result."""
    return NoResult(_no_result(job))


def _no_result(job: Job) -> str:
    reason = f": {job.reason}" if job.state is JobState.FAILURE and job.reason else ""
    return f"There is no result: the job is {job.state.value}{reason}"


def check_kept(job: Job) -> None:
    """Raise ResultExpired if the outputs of the job have expired or were deleted."""
    if job.expired_at is not None:
        raise ResultExpired(
            f"The result of job {job.id} expired and was deleted; upload the file again"
        )
    if job.result_deleted_at is not None:
        raise ResultExpired(
            f"The result of job {job.id} was deleted at {rfc3339(job.result_deleted_at)}; upload "
            "the file again"
        )


def _result_file(job: Job, result: JobResult) -> OutputFile:
    output = FORMATS[job.aggregation.output]
    return OutputFile(
        result.key,
        result.size,
        result.sha256,
        result_filename(job.filename, output.name),
        output.media_type,
        compressed=output.compressed,
    )


async def send_file(
    request: web.Request,
    job: Job,
    file: OutputFile,
    *,
    refuse: Callable[[CsvmillError], web.Response],
    codings: tuple[str, ...] = (),
    action: Action = Action.RESULT_DOWNLOADED,
    redirect: bool = True,
) -> web.StreamResponse:
    """Send an output of a job, whole or in ranges. `refuse` is that of `Download`.

    Redirects to object storage instead, unless not to `redirect`, if the settings say so.
    `action` is recorded in the audit trail before the first byte is sent, or the URL is. Raises
    ResultExpired, ResultLost, TooManyDownloads, TooBusy, and the errors of `Blobs.open`.
    """
    check_kept(job)
    ports, settings = request.app[PORTS], request.app[SETTINGS]
    downloads, blobs = request.app[DOWNLOADS], request.app[PORTS].blobs
    disposition = content_disposition(file.filename)

    @asynccontextmanager
    async def source(start: int, stop: int) -> AsyncIterator[Content]:
        await record_read(request, action, job.id)
        async with open_output(ports, job, file.source, start, stop) as content:
            yield content

    async def elsewhere() -> str | None:
        if isinstance(file.source, bytes) or not isinstance(blobs, LinksBlobs):
            return None
        await record_read(request, action, job.id)
        return await blobs.link(
            file.source,
            settings.download_redirect_life,
            content_type=file.media_type,
            disposition=disposition,
        )

    with downloads.one(tenant_of(request)) if request.method == "GET" else nullcontext():
        return await send_download(
            request,
            Download(
                Representation(file.size, file.sha256, job.finished_at),
                content_type=file.media_type,
                source=source,
                refuse=refuse,
                name=f"Job {job.id}",
                sha256=file.sha256,
                headers={"Content-Disposition": disposition},
                cache_control=f"private, max-age={MAX_AGE}, immutable, no-transform",
                codings=() if file.compressed else codings,
                elsewhere=elsewhere if redirect and settings.download_redirect else None,
                on_sent=partial(request.app[EVENTS].result_sent, job.tenant),
                client_timeout=settings.client_timeout,
                least_rate=settings.download_rate,
            ),
        )


@asynccontextmanager
async def open_output(
    ports: Ports, job: Job, source: BlobKey | bytes, start: int, stop: int
) -> AsyncIterator[Content]:
    """Open the bytes `start` to `stop` of an output of a job.

    Raises ResultExpired, ResultLost, and the errors of `Blobs.open`.
    """
    if isinstance(source, bytes):
        yield Content(single_piece(source[start:stop]), start, stop)
        return
    async with AsyncExitStack() as stack:
        try:
            content = await stack.enter_async_context(ports.blobs.open(source, start, stop))
        except (BlobNotFound, BlobIncomplete, ChunkOutOfBounds) as error:
            # It may have expired after the job was read. Otherwise it is lost.
            check_kept(await ports.jobs.get(job.id))
            raise ResultLost(
                f"The result of job {job.id}, upload {job.upload_id}, is lost: {error}; upload "
                "the file again"
            ) from error
        yield content
