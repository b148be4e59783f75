"""The first rows of a result as JSON: `GET /api/v1/jobs/{job_id}/preview`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.keys import PORTS
from gateway.preview_rows import LIMIT, Preview, preview_of, readable
from gateway.results import opened_file, requested_result
from shared.errors import InvalidInput, NoPreview

if TYPE_CHECKING:
    from gateway.keys import Ports
    from shared.jobs import Job, JobResult

ROWS = 100
MAX_ROWS = 1000
_FIRST = 256 << 10
"""Bytes after which it is first looked whether they suffice."""


async def show_preview(request: web.Request) -> web.Response:
    """The columns with their types, and so many rows as the query says.

    Raises InvalidInput, NoPreview for a result of a kind that cannot be read in part, and what
    `requested_result` and `opened_file` raise.
    """
    rows = _rows(request)
    job, result = await requested_result(request)
    if not readable(job.aggregation.output):
        raise NoPreview(
            f"The result of job {job.id} is {job.aggregation.output}, of which no part can be "
            "shown; download it, or ask for another output, such as csv"
        )
    preview = await _read(request.app[PORTS], job, result, rows)
    return web.Response(text=preview.as_json(), content_type="application/json")


def _rows(request: web.Request) -> int:
    text = request.query.get("rows", str(ROWS))
    rows = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 1 <= rows <= MAX_ROWS:
        raise InvalidInput(
            f"rows is {json.dumps(text[:80])}; send a number from 1 to {MAX_ROWS}", field="rows"
        )
    return rows


async def _read(ports: Ports, job: Job, result: JobResult, rows: int) -> Preview:
    """Read no more of the result than needed, and never more than `LIMIT` bytes."""
    stop = min(result.size, LIMIT)
    held = bytearray()
    enough = _FIRST
    async with opened_file(ports, job, result.key, 0, stop) as pieces:
        async for piece in pieces:
            held += piece
            if len(held) >= enough and len(held) < stop:
                preview = await _preview(job, held, result.size, rows)
                if len(preview.rows) == rows:
                    return preview
                enough = 4 * len(held)
    return await _preview(job, held, result.size, rows)


async def _preview(job: Job, held: bytearray, size: int, rows: int) -> Preview:
    data = bytes(held)
    whole = len(data) == size
    return await asyncio.to_thread(preview_of, job.aggregation, data, whole=whole, rows=rows)
