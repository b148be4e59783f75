"""Every view of the page, with real files and jobs: for tests of all views, and for pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from playwright.async_api import expect

from csvmill.client import AsyncClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import TracebackType

    from playwright.async_api import Page

    from tests.web.service import Service

    View = Callable[["Gallery", Page], Awaitable[None]]

SPEC = {
    "group_by": ["region", {"column": "date", "unit": "month"}],
    "aggregates": [{"function": "sum", "column": "amount"}],
}


class Gallery:
    """A service with files and jobs that views show. They are made when they are first needed."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.folder = folder

    async def __aenter__(self) -> Self:
        self.client = AsyncClient(self.service.origin)
        await self.client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.client.__aexit__(kind, error, trace)

    async def open(self, page: Page, place: str) -> None:
        """Open the page at a place, such as `/jobs`, and wait for its heading."""
        await page.goto(f"{self.service.url}#{place}")
        await expect(page.locator("main h1")).to_be_visible()


async def start(gallery: Gallery, page: Page) -> None:
    """Show where a person starts."""
    await gallery.open(page, "/")


async def no_jobs(gallery: Gallery, page: Page) -> None:
    """Show the list of jobs of a service without jobs."""
    await gallery.open(page, "/jobs")


async def help_view(gallery: Gallery, page: Page) -> None:
    """Show the help."""
    await gallery.open(page, "/help")


async def unknown(gallery: Gallery, page: Page) -> None:
    """Show a place that does not exist."""
    await gallery.open(page, "/somewhere")


VIEWS: dict[str, View] = {
    "start": start,
    "no-jobs": no_jobs,
    "help": help_view,
    "unknown": unknown,
}
"""What shows each view in a page that is empty, by name."""
