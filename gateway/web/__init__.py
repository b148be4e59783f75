"""`GET /`: a page that shows how to use the service."""

from __future__ import annotations

from importlib.resources import files

from aiohttp import web

from shared.jobs.job import JobState

CONTENT_SECURITY_POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"
}
"""For pages that load and run nothing."""

_PAGE = (
    files(__name__)
    .joinpath("index.html")
    .read_text(encoding="utf-8")
    .replace("JOB_STATES", ", ".join(JobState))
)


async def index(_request: web.Request) -> web.Response:
    """Return the page, which loads nothing from elsewhere."""
    return web.Response(text=_PAGE, content_type="text/html", headers=CONTENT_SECURITY_POLICY)
