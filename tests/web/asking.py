"""How a person gives files to the start of the page, asks, and starts."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import aiohttp
from playwright.async_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Locator, Page

    from tests.web.service import Service

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


async def open_start(page: Page, service: Service, fragment: str = "") -> None:
    await page.goto(service.url + fragment)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()


async def give(page: Page, *paths: Path) -> None:
    """Choose files, and wait until the first one was read."""
    await page.locator("input[type=file]").set_input_files(list(paths))
    read = page.locator(".ask-reading-line:not(:empty), .ask-reading .notice")
    await expect(read.first).to_be_visible()


async def open_with(
    page: Page, service: Service, *paths: Path, fragment: str = "", unfolded: bool = False
) -> None:
    """Open the start, choose files and wait; `unfolded` shows how the first file is read."""
    await open_start(page, service, fragment)
    await give(page, *paths)
    if unfolded:
        await unfold(page)


async def unfold(page: Page) -> None:
    """Show how the file is read, unless that is shown."""
    if not await page.locator(".ask-reading").evaluate("(card) => card.open"):
        await page.get_by_text("How the file is read").click()


def control(page: Page, place: str) -> Locator:
    """The control of a value of the aggregation."""
    return page.locator(f'[id="ask-{place}"]')


def column_heads(page: Page) -> Locator:
    return page.locator(".ask-table thead th:not(.ask-line)")


async def question(page: Page) -> Any:
    """The question as the page shows it in JSON."""
    await page.get_by_role("tab", name="JSON").click()
    return json.loads(await page.locator("#ask-spec").inner_text())


async def start_and_open_job(page: Page, name: str = "Start") -> str:
    """Press the button that starts; return the id of the job whose page opens."""
    await page.get_by_role("button", name=name, exact=True).click()
    await page.wait_for_url("**/#/jobs/*")
    return page.url.rpartition("/")[2]


async def result(service: Service, job: str) -> bytes:
    """Wait for a job and return its result."""
    async with service.client() as client:
        await client.wait(job, timeout=60)
    url = f"{service.url}api/v1/jobs/{job}/result"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.read()


def rows_of(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text.decode())))
