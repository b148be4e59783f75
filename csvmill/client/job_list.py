"""Lists of jobs, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csvmill.client.paths import JOBS
from csvmill.client.server_url import path_of_link
from shared.api.job import JobView

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from datetime import datetime

    from csvmill.client.transport import Transport


def list_query(
    *,
    state: str | Collection[str],
    created_after: datetime | None,
    created_before: datetime | None,
    filename: str | None,
    search: str | None,
    page_size: int,
) -> dict[str, str]:
    """Return the query of the first page. Raises ValueError for a time without a time zone."""
    query = {
        "state": (state if isinstance(state, str) else ",".join(state)) or None,
        "created_after": _date_time(created_after),
        "created_before": _date_time(created_before),
        "filename": filename,
        "name": search,
        "limit": str(page_size),
    }
    return {name: value for name, value in query.items() if value is not None}


async def listed_jobs(transport: Transport, query: dict[str, str]) -> AsyncIterator[JobView]:
    """Yield the jobs of all pages. A page is fetched once the one before is consumed."""
    page = await transport.json("GET", JOBS, query=query)
    while True:
        for job in page["jobs"]:
            yield JobView.of(job)
        if not page["next"]:
            return
        page = await transport.json("GET", path_of_link(transport.server, page["next"]))


def _date_time(time: datetime | None) -> str | None:
    if time is not None and time.tzinfo is None:
        raise ValueError(f"{time} has no time zone; add one, such as UTC")
    return time.isoformat() if time else None
