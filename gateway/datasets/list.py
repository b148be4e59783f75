"""`GET /api/v1/uploads`: the complete uploads, newest first, page by page."""

from __future__ import annotations

import time

from aiohttp import web

from gateway.access.caller import tenant_of
from gateway.datasets.view import dataset_views
from gateway.http.cursors import cursor_of, next_page, parse_cursor, single_value
from gateway.keys import PORTS
from shared.api.dataset import DatasetListView
from shared.errors import InvalidInput
from shared.http.list_parameters import parse_limit
from shared.jobs.dataset import DatasetPosition

LIMIT = 50
"""The default number of uploads on a page."""
MAX_LIMIT = 500
FIELDS = ("name", "limit", "cursor")


async def list_uploads(request: web.Request) -> web.Response:
    """Return one page of the caller's complete uploads, all or those of a name.

    Raises InvalidInput for malformed and unknown parameters.
    """
    query = request.query
    if unknown := sorted(set(query) - set(FIELDS)):
        raise InvalidInput(
            f"unknown: {', '.join(unknown)}; the parameters are {', '.join(FIELDS)}",
            field=unknown[0],
        )
    limit = parse_limit(single_value(query, "limit"), default=LIMIT, most=MAX_LIMIT)
    cursor = single_value(query, "cursor")
    datasets = request.app[PORTS].jobs.datasets
    found = await datasets.listed(
        tenant_of(request),
        name=single_value(query, "name"),
        after=None if cursor is None else DatasetPosition(*parse_cursor(cursor)),
        limit=limit + 1,  # one more shows whether there is another page
    )
    shown = found[:limit]
    following = None
    if len(found) > limit:
        following = next_page(request, cursor_of(shown[-1].created_at, shown[-1].upload_id))
    views = await dataset_views(datasets, shown, time.time())
    response = web.json_response(DatasetListView(tuple(views), following).as_json())
    if following:
        response.headers["Link"] = f'<{following}>; rel="next"'  # RFC 8288, 3
    return response
