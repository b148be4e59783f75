"""What can be done before the page's modules are there, as on a slow network."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.web.accessibility import axe, scrolls_sideways
from tests.web.asking import control
from tests.web.files import sales
from tests.web.gestures import drop
from tests.web.looking import PHONE
from tests.web.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Page, Route

    from tests.web.service import Service


@asynccontextmanager
async def before_modules(page: Page, url: str) -> AsyncIterator[None]:
    """Open the page, and let its modules arrive when the block ends."""
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/start.js", held.put)
    await page.goto(url, wait_until="commit")
    route = await held.get()
    yield
    await route.continue_()


def lines(text: str) -> list[str]:
    """Return the lines of a text that are not empty."""
    return [line for line in text.splitlines() if line]


async def test_a_file_can_be_chosen_before_the_modules_are_there(
    page: Page, service: Service, tmp_path: Path
) -> None:
    sales(tmp_path / "sales.csv")
    async with before_modules(page, service.url):
        async with page.expect_file_chooser() as opened:
            await page.get_by_label("Choose files").click()
        await (await opened.value).set_files(tmp_path / "sales.csv")
        await expect(page.get_by_text("Opening …")).to_be_visible()
    await expect(page.locator(".home-name")).to_have_text("sales.csv")
    await expect(control(page, "group_by.add")).to_be_visible()


async def test_a_dialog_that_is_open_when_the_modules_arrive_keeps_its_purpose(
    page: Page, service: Service, tmp_path: Path
) -> None:
    sales(tmp_path / "sales.csv")
    files = page.get_by_label("Choose files")
    async with before_modules(page, service.url):
        await expect(files).to_be_visible()  # a key reaches nothing before
        async with page.expect_file_chooser() as opened:
            await files.press("Enter")
    await expect(page.get_by_role("button", name="Choose files")).to_be_focused()
    await (await opened.value).set_files(tmp_path / "sales.csv")
    await expect(page.locator(".home-name")).to_have_text("sales.csv")


async def test_a_file_can_be_dropped_before_the_modules_are_there(
    page: Page, service: Service, tmp_path: Path
) -> None:
    sales(tmp_path / "over.csv")
    sales(tmp_path / "beside.csv")
    async with before_modules(page, service.url):
        await drop(page.locator(".home-drop"), tmp_path / "over.csv")
        await expect(page.get_by_text("Opening …")).to_be_visible()
    await expect(page.locator(".home-name")).to_have_text("over.csv")
    other = await page.context.new_page()
    async with before_modules(other, service.url):
        await wait_until(other, "document.readyState !== 'loading'")
        await drop(other.locator("#first-start h1"), tmp_path / "beside.csv")
    await expect(other.locator(".home-name")).to_have_text("beside.csv")


async def test_what_is_seen_first_is_the_start_as_it_is_later(page: Page, service: Service) -> None:
    places = """() => [".brand", "h1", ".home-lead", ".home-drop", ".home-choose"].map((name) => {
        const {x, y, width, height} = document.querySelector(name).getBoundingClientRect();
        return [x, y, width, height].map(Math.round);
    })"""
    for size in ({"width": 1280, "height": 800}, PHONE):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        async with before_modules(page, service.url):
            await expect(page.locator("#first-start h1")).to_be_visible()
            await axe(page)
            assert await scrolls_sideways(page) == []
            text = lines(await page.locator("#first-start").inner_text())
            seen = await page.evaluate(places)
        await expect(page.locator("csv-home .home-drop")).to_be_visible()
        assert await page.evaluate(places) == seen
        later = lines(await page.locator("main").inner_text())
        assert later[: len(text)] == text
        await page.unroute_all()


async def test_another_view_is_not_announced_by_the_start(page: Page, service: Service) -> None:
    async with before_modules(page, f"{service.url}#/jobs"):
        await expect(page.locator("#first-wait")).to_be_visible()
        await expect(page.locator("#first-start")).to_be_hidden()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
