"""Looks at results, and finds what is shown."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from tests.web.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Locator, Page

    from tests.web.service import Service

PHONE = {"width": 390, "height": 844}


async def job_of(
    service: Service, folder: Path, content: str | bytes, spec: dict[str, Any] | None = None
) -> str:
    """Upload a file and return the id of its job, which has ended."""
    path = folder / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    async with service.client() as client:
        job_id = await client.upload(path, aggregation=spec)
        job = await client.wait(job_id)
    assert job.state == "SUCCESS", job.reason
    return job_id


async def look_at(page: Page, service: Service, job_id: str) -> Locator:
    """Open the page of a job; return its `csv-look` when that shows the result."""
    await page.goto(f"{service.url}#/jobs/{job_id}")
    look = page.locator("csv-look")
    # Not that of the job that was shown before
    await wait_until(page, f'document.querySelector("csv-look")?.job?.id === "{job_id}"')
    await expect(look.locator("h2")).to_be_visible()
    await expect(look.locator("[aria-busy], .spinner")).to_have_count(0)
    return look


async def result_of(service: Service, job_id: str, folder: Path) -> list[list[str]]:
    """Download the result; return its rows without the header."""
    path = folder / "result.csv"
    async with service.client() as client:
        await client.download(job_id, path)
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))[1:]


async def cells(look: Locator) -> list[list[str]]:
    """Return the texts of the rows of the table."""
    rows: list[list[str]] = await look.locator(".look-table tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return rows


async def places(look: Locator) -> list[str]:
    """Return what a screen reader says of each place of the chart."""
    found: list[str] = await look.locator(".chart-place").evaluate_all(
        "all => all.map(each => each.getAttribute('aria-label'))"
    )
    return found


def sort_button(look: Locator, name: str) -> Locator:
    return look.get_by_role("columnheader", name=name, exact=True).get_by_role("button")
