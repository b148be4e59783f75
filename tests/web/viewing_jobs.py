"""Opens the views of jobs, and finds what they show."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from tests.web.files import HOSTILE_NAME

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.web.service import Service

SHOWN_NAME = HOSTILE_NAME.replace("\u202e", "\ufffd")
PHONE = {"width": 390, "height": 844}


def badge(scope: Page | Locator) -> Locator:
    return scope.locator(".badge").first


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has_text=name)


async def open_jobs(page: Page, service: Service, query: str = "") -> None:
    await page.goto(f"{service.url}#/jobs{query}")
    await expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()


async def open_job(page: Page, service: Service, job_id: str) -> None:
    await page.goto(f"{service.url}#/jobs/{job_id}")
    await expect(page.locator("csv-job h1")).to_be_visible()


async def choose_in_menu(page: Page, name: str, action: str) -> None:
    await page.get_by_role("button", name=f"Actions for {name}").click()
    await page.get_by_role("button", name=action, exact=True).click()


async def question_in_url(page: Page) -> dict[str, Any]:
    """Return the question that the fragment of the URL asks, as the start of the page reads it."""
    found: dict[str, Any] = await page.evaluate(
        """async () => {
            const base = new URL(document.querySelector('script[type="module"]').src);
            const { questionIn } = await import(new URL("ask/fragment.js", base));
            const { aggregationOf } = await import(new URL("ask/question.js", base));
            return aggregationOf(questionIn(new URLSearchParams(location.hash.split("?")[1])));
        }"""
    )
    return found


async def new_key(service: Service) -> str:
    """Return a new API key of the service."""
    created = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "csvmill", "keys", "create", "--name", "test",
        "--data-dir", str(service.data_dir), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, _ = await created.communicate()
    assert created.returncode == 0
    return printed.decode().strip()
