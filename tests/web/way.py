"""The way of a file through the page, from dropping it to its result, as a person goes it."""

from __future__ import annotations

import asyncio
import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.web.gestures import drop

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

SUGGESTION = "Sum of amount by region"


async def ask_for_totals(page: Page, file: Path) -> None:
    """Drop a file of sales, take the suggestion to sum amounts by region, and start."""
    await drop(page.locator("csv-home"), file)
    await take_suggestion_and_start(page)


async def take_suggestion_and_start(page: Page) -> None:
    """Take the suggestion to sum amounts by region, and start."""
    await page.get_by_role("button", name=SUGGESTION).click()
    await page.get_by_role("button", name="Start", exact=True).click()


async def see_result(page: Page, totals: dict[str, Decimal]) -> None:
    """Wait until the job is shown with its result, and compare the table with the totals."""
    await expect(page.locator("main h1").first).to_be_visible()
    table = page.locator("csv-look table:visible").first
    await expect(table).to_be_visible()
    for region, total in totals.items():
        row = table.get_by_role("row").filter(has_text=region)
        await expect(row).to_contain_text(f"{total.normalize():f}")


async def download(page: Page) -> bytes:
    """Download the result with the browser."""
    async with page.expect_download() as coming:
        # A link or, if it needs a signed address, a button.
        await page.locator(".download-browser").get_by_text("Download", exact=True).click()
    path = await (await coming.value).path()
    return await asyncio.to_thread(path.read_bytes)


def totals_of(result: bytes) -> dict[str, Decimal]:
    """Return the totals of a result of two columns."""
    rows = list(csv.reader(io.StringIO(result.decode())))
    return {region: Decimal(total) for region, total in rows[1:]}
