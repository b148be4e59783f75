"""`GET /`: a page that shows how to use the service."""

from __future__ import annotations

from importlib.resources import files

from aiohttp import web

from shared.http.security_headers import OF_PAGES
from shared.jobs.job import JobState

_PAGE = (
    files(__name__)
    .joinpath("index.html")
    .read_text(encoding="utf-8")
    .replace("JOB_STATES", ", ".join(JobState))
)


async def index(_request: web.Request) -> web.Response:
    """Return the page, which loads nothing from elsewhere."""
    return web.Response(text=_PAGE, content_type="text/html", headers=OF_PAGES)
