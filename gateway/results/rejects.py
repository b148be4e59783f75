"""Downloads of rejected records: `GET /api/v1/jobs/{job_id}/rejects`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from gateway.http.problems import refuse
from gateway.results.download import OutputFile, codings_of, requested_result, send_file
from shared.access.audit import Action
from shared.jobs.rejects import no_rejects

if TYPE_CHECKING:
    from aiohttp import web

MEDIA_TYPE = "text/csv"
"""Without a charset: records are copied from the file as they are, in any encoding."""


async def show_rejects(request: web.Request) -> web.StreamResponse:
    """Send the rejected records as CSV; only the header if there are none.

    Raises as `codings_of`, `requested_result` and `send_file`.
    """
    codings = codings_of(request)
    job, result = await requested_result(request)
    rejects = result.rejects
    none = no_rejects(len(job.inputs))
    stem = job.filename[:-4] if job.filename.lower().endswith(".csv") else job.filename
    file = OutputFile(
        rejects.key if rejects else none,
        rejects.size if rejects else len(none),
        rejects.sha256 if rejects else hashlib.sha256(none).hexdigest(),
        f"{stem}.rejects.csv",
        MEDIA_TYPE,
    )
    return await send_file(
        request,
        job,
        file,
        refuse=refuse,
        codings=codings,
        action=Action.REJECTS_DOWNLOADED,
    )
