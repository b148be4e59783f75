"""`GET /api/download_file/{job_id}`: the result of a job, whole or in ranges."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from gateway.errors import error_response
from gateway.jobs import requested_job
from gateway.keys import PORTS, SETTINGS
from shared.errors import BlobNotFound, CsvmillError, ResultExpired
from shared.http_ranges import Representation, select
from shared.jobs import JobState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.keys import Ports
    from shared.byte_ranges import ByteRange
    from shared.jobs import Job, JobResult

logger = logging.getLogger(__name__)

_WRITE_BUFFER = 4 << 20
"""Bytes that wait for the client's socket at the most, so that reading and sending overlap."""


async def download_file(request: web.Request) -> web.StreamResponse:
    """The result as an attachment, as far as conditions and Range select it (RFC 9110)."""
    job = await requested_job(request)
    if job.state is not JobState.SUCCESS or job.result is None:
        return _not_finished(job)
    _check_kept(job)
    representation = Representation(job.result.size, job.result.sha256, job.finished_at)
    selection = select(request.method, request.headers, representation)
    validators = representation.validators()
    if selection.status is HTTPStatus.NOT_MODIFIED:
        return web.Response(status=selection.status, headers=validators)
    if selection.status >= HTTPStatus.BAD_REQUEST:
        response = error_response(selection.status, _REFUSALS[selection.status])
        response.headers.update(validators)
        if selection.content_range:
            response.headers["Content-Range"] = selection.content_range
        return response
    (part,) = selection.ranges
    headers = {
        **validators,
        "Accept-Ranges": "bytes",
        "Content-Disposition": content_disposition(job.filename),
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Length": str(len(part)),
    }
    if selection.content_range:
        headers["Content-Range"] = selection.content_range
    stream = web.StreamResponse(status=selection.status, headers=headers)
    if request.method == "HEAD":
        await stream.prepare(request)
        return stream
    return await _send(request, stream, job, job.result, part)


_REFUSALS = {
    HTTPStatus.PRECONDITION_FAILED: "The result is not the one that the request's condition names",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "The requested range begins beyond the end",
}


def content_disposition(filename: str) -> str:
    """`attachment` with the name in both forms (RFC 6266, 4.3; RFC 8187).

    The plain form is ASCII for old clients; all others take `filename*`.
    """
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in filename)
    field = f'attachment; filename="{plain}"'
    if plain != filename:
        field += f"; filename*=UTF-8''{quote(filename, safe='')}"
    return field


def _not_finished(job: Job) -> web.Response:
    reason = f": {job.reason}" if job.state is JobState.FAILURE and job.reason else ""
    return error_response(
        HTTPStatus.BAD_REQUEST,
        f"There is no result: the job is {job.state.value}{reason}",
        job_status=job.state.value,
    )


def _check_kept(job: Job) -> None:
    if job.expired_at is not None:
        raise ResultExpired(
            f"The result of job {job.id} has expired and was removed; upload the file again"
        )


async def _send(
    request: web.Request,
    response: web.StreamResponse,
    job: Job,
    result: JobResult,
    part: ByteRange,
) -> web.StreamResponse:
    """Stream `part` of the result. A body that cannot be finished ends with a broken connection."""
    async with _opened(request.app[PORTS], job, result, part) as pieces:
        await response.prepare(request)
        transport = request.transport
        if transport is None:
            return response
        transport.set_write_buffer_limits(high=_WRITE_BUFFER)
        watchdog = asyncio.create_task(
            _cut_off_if_stalled(request, transport, request.app[SETTINGS].client_timeout)
        )
        try:
            async for piece in pieces:
                await response.write(piece)
            await response.write_eof()
        except ConnectionError:
            logger.debug("Job %s: the client left in mid-download", job.id)
        except CsvmillError as error:
            # A clean end would look like the end of the result.
            transport.abort()
            logger.error("Job %s: the download was broken off: %s", job.id, error)  # noqa: TRY400
        except Exception:
            transport.abort()
            logger.exception("Job %s: the download was broken off", job.id)
        finally:
            watchdog.cancel()
    return response


@asynccontextmanager
async def _opened(
    ports: Ports, job: Job, result: JobResult, part: ByteRange
) -> AsyncIterator[AsyncIterator[bytes]]:
    async with AsyncExitStack() as stack:
        try:
            pieces = await stack.enter_async_context(
                ports.blobs.open(result.key, part.start, part.stop)
            )
        except BlobNotFound:
            # It may have expired since the job was looked up; if it has not, it is lost.
            _check_kept(await ports.jobs.get(job.id))
            raise
        yield pieces


async def _cut_off_if_stalled(
    request: web.Request, transport: asyncio.WriteTransport, client_timeout: float
) -> None:
    """Break a connection on which bytes wait and the client takes none."""
    taken = -1
    while True:
        await asyncio.sleep(client_timeout)
        waiting = transport.get_write_buffer_size()
        before, taken = taken, request.writer.output_size - waiting
        if waiting and taken == before:
            logger.debug("%s: the client takes nothing", request.path)
            transport.abort()
            return
