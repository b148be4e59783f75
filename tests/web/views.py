"""Every view of the page, with real files and jobs: for tests of all views, and for pictures."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from playwright.async_api import expect

from csvmill.client import AsyncClient, JobUnsuccessful
from tests.web.files import damaged_sales, german_sales, plays, sales, sparse_plays
from tests.web.gestures import drop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import TracebackType

    from playwright.async_api import CDPSession, Page

    from tests.web.service import Service

    View = Callable[["Gallery", Page], Awaitable[None]]

MONTHLY: dict[str, Any] = {
    "group_by": [{"column": "date", "truncate": "month"}, "region"],
    "aggregates": [{"function": "sum", "column": "amount"}],
}
"""The sum of amounts for each month and region."""
WITHOUT_BAD_ROWS = {**MONTHLY, "input": {"on_bad_row": "skip"}}

A_THIRD = re.compile(r"[34]\d(\.\d)? %")


class Gallery:
    """A service with files and jobs that views show. They are made when they are first needed."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.folder = folder
        self._jobs: dict[str, str] = {}
        self.has_webhook = False
        """Whether a URL was told of a job."""

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

    async def job(self, kind: str) -> str:
        """Return the id of an ended job, one of `JOBS`."""
        if kind not in self._jobs:
            name, write, spec = JOBS[kind]
            await asyncio.to_thread(write, self.folder / name)
            self._jobs[kind] = await self.client.upload(self.folder / name, aggregation=spec)
            with suppress(JobUnsuccessful):
                await self.client.wait(self._jobs[kind], timeout=60)
        return self._jobs[kind]


JOBS: dict[str, tuple[str, Callable[[Path], object], dict[str, Any] | None]] = {
    "plays": ("song-plays.csv", lambda path: plays(path, rows=60_000), None),
    "failed": ("sales-march.csv", lambda path: damaged_sales(path, 40_000, bad=14), MONTHLY),
    "rejects": ("sales-march.csv", lambda p: damaged_sales(p, 40_000, bad=14), WITHOUT_BAD_ROWS),
    "done": ("sales-2026.csv", lambda path: sales(path, rows=120_000), MONTHLY),
}
"""The name and the content of each job's file, and its spec."""


async def start(gallery: Gallery, page: Page) -> None:
    """Show where a person starts."""
    await gallery.open(page, "/")


async def ask(gallery: Gallery, page: Page) -> None:
    """Show a question about a file of sales."""
    await gallery.open(page, "/")
    file = gallery.folder / "sales-2026.csv"
    await asyncio.to_thread(sales, file, 120_000)
    await drop(page.locator("csv-home"), file)
    await page.get_by_role("button", name="Sum of amount by month of date").click()
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    await expect(page.locator(".ask-output-names li").first).to_be_visible()


async def ask_plays(gallery: Gallery, page: Page) -> None:
    """Show that a file of song plays is recognised."""
    await gallery.open(page, "/")
    file = gallery.folder / "song-plays.csv"
    await asyncio.to_thread(plays, file, 60_000)
    await drop(page.locator("csv-home"), file)
    await expect(page.get_by_role("button", name="Sum plays by song and date")).to_be_visible()


async def ask_correct(gallery: Gallery, page: Page) -> None:
    """Show a file with semicolons and decimal commas."""
    await gallery.open(page, "/")
    file = gallery.folder / "umsatz.csv"
    await asyncio.to_thread(german_sales, file)
    await drop(page.locator("csv-home"), file)
    await expect(page.get_by_role("table")).to_be_visible()


async def limit_upload(devtools: CDPSession, bytes_per_second: int) -> None:
    """Let the page send no faster."""
    await devtools.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 20,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_per_second,
        },
    )


async def uploading(gallery: Gallery, page: Page) -> None:
    """Show an upload on its way, through a slow line."""
    await gallery.open(page, "/")
    file = gallery.folder / "song-plays-2025.csv"
    await asyncio.to_thread(sparse_plays, file, 48_000_000)
    devtools = await page.context.new_cdp_session(page)
    await drop(page.locator("csv-home"), file)
    button = page.get_by_role("button", name="Sum plays by song and date")
    await expect(button).to_be_enabled()
    await limit_upload(devtools, 3_000_000)
    await button.click()
    await expect(page.locator("csv-uploads")).to_contain_text(A_THIRD, timeout=60_000)
    # It must not end, and another view follow, while it is looked at.
    await limit_upload(devtools, 20_000)


async def no_jobs(gallery: Gallery, page: Page) -> None:
    """Show the list of jobs of a service without jobs."""
    await gallery.open(page, "/jobs")


async def jobs(gallery: Gallery, page: Page) -> None:
    """Show the list of jobs, of which some have failed."""
    for kind in JOBS:
        await gallery.job(kind)
    await gallery.open(page, "/jobs")
    await expect(page.get_by_text("sales-2026.csv").first).to_be_visible()


async def job_done(gallery: Gallery, page: Page) -> None:
    """Show a job with its result."""
    await gallery.open(page, f"/jobs/{await gallery.job('done')}")
    await see_result(page)


async def result_lines(gallery: Gallery, page: Page) -> None:
    """Show a result as lines over dates."""
    await gallery.open(page, f"/jobs/{await gallery.job('plays')}")
    await page.locator("csv-look .chart-place").first.wait_for()
    await page.locator("csv-look").evaluate("each => each.scrollIntoView()")


async def result_bars(gallery: Gallery, page: Page) -> None:
    """Show a result as bars."""
    await gallery.open(page, f"/jobs/{await gallery.job('done')}")
    await page.get_by_role("radio", name="Bars").check()
    await page.locator("csv-look .chart-place").first.wait_for()
    await page.locator("csv-look").evaluate("each => each.scrollIntoView()")


async def job_with_rejects(gallery: Gallery, page: Page) -> None:
    """Show a job that left bad rows out."""
    await gallery.open(page, f"/jobs/{await gallery.job('rejects')}")
    await see_result(page)
    rejected = page.get_by_role("heading", name="Rows that could not be read")
    await rejected.evaluate("each => each.scrollIntoView()")


async def job_failed(gallery: Gallery, page: Page) -> None:
    """Show a job that failed because of bad rows."""
    await gallery.open(page, f"/jobs/{await gallery.job('failed')}")


async def see_result(page: Page) -> None:
    """Wait until the table and the chart of the result are drawn."""
    await expect(page.locator("csv-look table:visible").first).to_be_visible()
    await expect(page.locator("csv-look svg:visible").first).to_be_visible()


async def job_missing(gallery: Gallery, page: Page) -> None:
    """Show the place of a job that does not exist."""
    await gallery.open(page, "/jobs/00000000-0000-4000-8000-000000000000")


async def ask_again(gallery: Gallery, page: Page) -> None:
    """Show another question about the file of a job."""
    await gallery.open(page, f"/jobs/{await gallery.job('done')}")
    await page.get_by_role("button", name="Ask another question").click()
    await expect(page.get_by_role("heading", name="Your question")).to_be_visible()


async def files(gallery: Gallery, page: Page) -> None:
    """Show the files that the service has."""
    for kind in JOBS:
        await gallery.job(kind)
    await gallery.open(page, "/uploads")
    await expect(page.get_by_role("button", name="Delete sales-2026.csv")).to_be_visible()


async def settings(gallery: Gallery, page: Page) -> None:
    """Show a saved spec, and a webhook that was not reached."""
    await gallery.client.save_spec("sales-by-month", MONTHLY)
    if not gallery.has_webhook:
        gallery.has_webhook = True
        await gallery.client.admin.rotate_webhook_secret()
        query = {"name": "plays.csv", "notify": "https://hooks.example.invalid/csvmill"}
        async with (
            aiohttp.ClientSession() as session,
            session.put(
                f"{gallery.service.url}api/v1/uploads", params=query, data=b"Song\n"
            ) as answer,
        ):
            answer.raise_for_status()
    await gallery.open(page, "/settings")
    await expect(page.get_by_text("Job failed").first).to_be_visible()
    await page.get_by_label("Show the spec sales-by-month").click()
    await expect(page.get_by_role("link", name="Ask sales-by-month of a file")).to_be_visible()


async def help_view(gallery: Gallery, page: Page) -> None:
    """Show the help."""
    await gallery.open(page, "/help")


async def unknown(gallery: Gallery, page: Page) -> None:
    """Show a place that does not exist."""
    await gallery.open(page, "/somewhere")


VIEWS: dict[str, View] = {
    "start": start,
    "ask": ask,
    "ask-plays": ask_plays,
    "ask-correct": ask_correct,
    "uploading": uploading,
    "no-jobs": no_jobs,
    "jobs": jobs,
    "job": job_done,
    "result-lines": result_lines,
    "result-bars": result_bars,
    "job-rejects": job_with_rejects,
    "job-failed": job_failed,
    "job-missing": job_missing,
    "ask-again": ask_again,
    "files": files,
    "settings": settings,
    "help": help_view,
    "unknown": unknown,
}
"""What shows each view in a page that is empty, by name."""
