"""The files that the service has: listed, asked about, kept and deleted."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import aiohttp
from playwright.async_api import expect

from tests.web import kinds_of_jobs as kinds
from tests.web.accessibility import axe, scrolls_sideways
from tests.web.asking import control
from tests.web.files import HOSTILE_NAME, sales
from tests.web.looking import PHONE
from tests.web.viewing_jobs import SHOWN_NAME, badge, open_job

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.service import Service
    from tests.web.watch import Watch

SPEC = {"group_by": ["region"], "aggregates": [{"function": "sum", "column": "amount"}]}


async def stored(service: Service) -> list[dict[str, Any]]:
    """Return the files that the service has, by its API."""
    url = f"{service.url}api/v1/uploads"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        found: list[dict[str, Any]] = (await response.json())["uploads"]
    return found


async def ask(service: Service, name: str, content: bytes) -> str:
    """Send a file that becomes no job, and ask for a job of it; return the job's id."""
    declared = {"name": name, "size": len(content), "job": False}
    async with aiohttp.ClientSession(f"{service.url}api/v1/") as session:
        async with session.post("uploads", json=declared) as response:
            upload = (await response.json())["id"]
        async with session.put(f"uploads/{upload}/chunks/0", data=BytesIO(content)) as response:
            assert (await response.json())["complete"]
        asked = {"inputs": [upload], "aggregation": kinds.BY_SONG}
        async with session.post("jobs", json=asked) as response:
            assert response.status == 201
            job_id: str = (await response.json())["id"]
    return job_id


async def open_files(page: Page, service: Service) -> None:
    await page.goto(f"{service.url}#/uploads")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Files on the service")


async def test_files_are_listed_kept_asked_about_and_deleted(
    page: Page, own_service: Service, tmp_path: Path
) -> None:
    sales(tmp_path / "sales.csv")
    async with own_service.client() as client:
        await client.wait(await client.upload(tmp_path / "sales.csv", aggregation=SPEC))
        hostile = await client.upload(tmp_path / "sales.csv", name=HOSTILE_NAME, aggregation=SPEC)
        await client.wait(hostile)
    await open_files(page, own_service)
    names = page.locator(".stored-name")
    await expect(names).to_have_text([SHOWN_NAME, "sales.csv"])
    await axe(page)

    row = page.get_by_role("listitem").filter(has_text="sales.csv")
    await page.get_by_role("checkbox", name="Keep sales.csv").check()
    await expect(row).to_contain_text("kept until it is deleted")
    await expect(page.get_by_role("checkbox", name="Keep sales.csv")).to_be_focused()
    assert {each["name"]: each["keep"] for each in await stored(own_service)} == {
        "sales.csv": True,
        HOSTILE_NAME: False,
    }
    await page.get_by_role("link", name="Open the latest job of sales.csv").click()
    await expect(badge(page)).to_have_text("Done")
    await page.go_back()
    await page.get_by_role("link", name="Ask about sales.csv").click()
    await expect(control(page, "group_by.add")).to_be_visible()
    await page.go_back()

    await page.get_by_role("button", name=f"Delete {SHOWN_NAME}").click()
    dialog = page.get_by_role("dialog", name="Delete this file?")
    await axe(page)
    await dialog.get_by_role("button", name="Keep it").click()
    assert len(await stored(own_service)) == 2
    await page.get_by_role("button", name=f"Delete {SHOWN_NAME}").click()
    await dialog.get_by_role("button", name="Delete", exact=True).click()
    await expect(names).to_have_text(["sales.csv"])
    assert [each["name"] for each in await stored(own_service)] == ["sales.csv"]

    await page.get_by_role("searchbox").fill("other.csv")
    await expect(page.get_by_text("No file has this name.")).to_be_visible()
    await page.get_by_role("searchbox").fill("sales.csv")
    await expect(names).to_have_text(["sales.csv"])
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert await scrolls_sideways(page) == []


async def test_a_file_that_a_job_reads_is_not_deleted(
    page: Page, own_service: Service, watch: Watch
) -> None:
    watch.allow("status of 409")
    async with own_service.client() as client:
        asked = await ask(own_service, "plays.csv.bz2", kinds.slow_bytes(kinds.LONG))
        await kinds.reading(client, asked)
        with kinds.paused(own_service):
            await open_files(page, own_service)
            await page.get_by_role("button", name="Delete plays.csv.bz2").click()
            await (
                page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
            )
            await expect(
                page.get_by_text("a job that has not ended reads it").first
            ).to_be_visible()
        assert len(await stored(own_service)) == 1
        await client.cancel(asked)


async def test_without_files_the_view_says_how_they_get_there(
    page: Page, own_service: Service
) -> None:
    await open_files(page, own_service)
    await expect(page.get_by_role("heading", name="No files yet")).to_be_visible()
    await axe(page)
    await page.get_by_role("link", name="Choose a file").click()
    await expect(page.get_by_role("button", name="Choose files")).to_be_visible()


async def test_the_result_of_a_job_is_deleted_alone(
    page: Page, own_service: Service, tmp_path: Path
) -> None:
    async with own_service.client() as client:
        job_id = await kinds.skipped(client, tmp_path)
    await open_job(page, own_service, job_id)
    await page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog", name="Delete this job's data?")
    await dialog.get_by_role("button", name="Delete the result only").click()
    await expect(page.get_by_text("The result was deleted")).to_be_visible()
    await expect(page.get_by_role("button", name="Ask another question")).to_be_visible()
    assert [each["name"] for each in await stored(own_service)] == ["dirty.csv"]
