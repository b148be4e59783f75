"""Previews of results: `GET /api/v1/jobs/{job_id}/preview`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.audit import record_read
from gateway.access.caller import tenant_of
from gateway.access.tenant_turns import TenantTurns
from gateway.keys import PORTS, SETTINGS
from gateway.results.download import check_kept, open_output, requested_result
from gateway.results.order import Order
from gateway.results.preview_rows import Preview, preview_of
from gateway.results.sorted_preview import REMEDY, check_size, sort_rows, sorted_preview
from gateway.results.sorts import SORTS
from shared.access.audit import Action
from shared.aggregation.formats import FORMATS
from shared.blobs.blob import attempt_of, preview_key
from shared.errors import BlobNotFound, InvalidInput, NoPreview, NotSortable
from shared.http.connections import client_disconnected
from shared.jobs.preview import LIMIT, MAX_ROWS

if TYPE_CHECKING:
    from shared.jobs.job import Job, JobResult
    from shared.ports import Ports

ROWS = 100
READ_AT_A_TIME = 4
"""Results that one gateway reads the first rows of at the same time, one of each tenant: threads do
so, which slow down other requests."""
PREVIEWS = web.AppKey("previews", TenantTurns)
_FIRST = 256 << 10
"""Bytes after which the first preview is attempted."""


async def show_preview(request: web.Request) -> web.Response:
    """Return the columns with their types, and the first rows, in the order of `order_by`.

    Raises InvalidInput, NoPreview for Parquet or Excel without a stored preview, NotSortable,
    TooBusy, and the errors of `requested_result` and `open_output`.
    """
    rows = _rows(request)
    order = Order.of(request.query["order_by"]) if "order_by" in request.query else None
    job, result = await requested_result(request)
    stored = FORMATS[job.aggregation.output].preview == "stored"
    if order is not None and not stored:
        check_size(result, request.app[SETTINGS].max_sort_size)
    await record_read(request, Action.RESULT_PREVIEWED, job.id)
    if order is not None and not stored:
        preview = await _sort(request, job, result, rows, order)
    else:
        async with request.app[PREVIEWS].one(tenant_of(request)):
            if stored:
                preview = await _read_stored(request.app[PORTS], job, result, rows, order)
            else:
                preview = await _read(request.app[PORTS], job, result, rows)
    return web.Response(text=preview.as_json(result.rows_out), content_type="application/json")


def _rows(request: web.Request) -> int:
    text = request.query.get("rows", str(ROWS))
    rows = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 1 <= rows <= MAX_ROWS:
        raise InvalidInput(
            f"rows is {json.dumps(text[:80])}; send a number from 1 to {MAX_ROWS}", field="rows"
        )
    return rows


async def _read(ports: Ports, job: Job, result: JobResult, rows: int) -> Preview:
    """Read as many bytes of the result as the preview needs, at most `LIMIT`."""
    stop = min(result.size, LIMIT)
    held = bytearray()
    enough = _FIRST
    async with open_output(ports, job, result.key, 0, stop) as pieces:
        async for piece in pieces:
            held += piece
            if len(held) >= enough and len(held) < stop:
                preview = await _preview(job, held, result.size, rows)
                if len(preview.rows) == rows:
                    return preview
                enough = 4 * len(held)
    return await _preview(job, held, result.size, rows)


async def _sort(
    request: web.Request, job: Job, result: JobResult, rows: int, order: Order
) -> Preview:
    """Read the whole result for its first rows in `order`."""
    async with (
        request.app[SORTS].one(tenant_of(request)),
        open_output(request.app[PORTS], job, result.key, 0, result.size) as pieces,
    ):
        return await sorted_preview(
            pieces,
            job,
            result,
            order=order,
            rows=rows,
            limit=request.app[SETTINGS].max_sort_size,
            gone=lambda: client_disconnected(request),
        )


async def _read_stored(
    ports: Ports, job: Job, result: JobResult, rows: int, order: Order | None
) -> Preview:
    """Read the preview that is stored beside the result.

    It is sorted only if it has all rows.
    """
    key = preview_key(*(attempt_of(result.key) or (job.id, job.attempt)))
    try:
        size = (await ports.blobs.info(key)).size or 0
    except BlobNotFound as error:
        check_kept(await ports.jobs.get(job.id))
        raise NoPreview(
            f"The result of job {job.id} is {_label(job)} without a stored preview, because an "
            "older version computed it; download it, or upload the file again"
        ) from error
    stop = min(size, LIMIT)  # older versions stored larger ones
    async with open_output(ports, job, key, 0, stop) as pieces:
        data = b"".join([piece async for piece in pieces])
    preview = await asyncio.to_thread(
        preview_of,
        job.aggregation,
        data,
        whole=stop == size,
        rows=rows if order is None else MAX_ROWS,
        total_rows=result.rows_out,
    )
    if order is None:
        return preview
    if preview.truncated:
        raise NotSortable(
            f"The result is {_label(job)} with {result.rows_out} rows, of which only the first "
            f"{len(preview.rows)} can be read for a preview; {REMEDY}"
        )
    return await asyncio.to_thread(sort_rows, preview, order, rows=rows)


def _label(job: Job) -> str:
    return FORMATS[job.aggregation.output].label


async def _preview(job: Job, held: bytearray, size: int, rows: int) -> Preview:
    data = bytes(held)
    whole = len(data) == size
    return await asyncio.to_thread(preview_of, job.aggregation, data, whole=whole, rows=rows)
