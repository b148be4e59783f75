"""The list of jobs, in Chromium on the real standalone service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.web import kinds_of_jobs as kinds
from tests.web.accessibility import axe, scrolls_sideways
from tests.web.files import plays
from tests.web.viewing_jobs import (
    PHONE,
    SHOWN_NAME,
    badge,
    open_job,
    open_jobs,
    row,
)

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.conftest import OpenContext
    from tests.web.service import Service
    from tests.web.watch import Watch


async def test_without_jobs_the_list_says_how_to_begin(page: Page, own_service: Service) -> None:
    await open_jobs(page, own_service)
    await expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()
    await axe(page)


async def test_the_list_shows_each_job_in_words_and_follows_what_happens(
    page: Page, own_service: Service, tmp_path: Path
) -> None:
    async with own_service.client() as client:
        plays(tmp_path / "plays.csv", rows=2000)
        done = await client.upload(tmp_path / "plays.csv", aggregation=kinds.BY_SONG)
        await kinds.ended(client, done)
        await kinds.failed(client, tmp_path)
        await open_jobs(page, own_service)
        await expect(page.locator(".job-row")).to_have_count(2)
        first = row(page, "plays.csv")
        await expect(badge(first)).to_have_text("Done")
        await expect(first).to_contain_text(
            "Sum of Number of Plays by Song, the 10 largest by Plays"
        )
        await expect(first).to_contain_text("2,000 → 5")
        await expect(badge(row(page, SHOWN_NAME))).to_have_text("Failed")

        job_id = await kinds.slow(client, tmp_path, blocks=kinds.LONG)
        new = row(page, "slow plays.csv.bz2")
        await kinds.reading(client, job_id)
        with kinds.paused(own_service):
            await expect(new).to_be_visible()
            await expect(page.locator(".job-row").first).to_contain_text("slow plays.csv.bz2")
            await expect(badge(new)).to_have_text("Running")
            await expect(new.get_by_role("progressbar")).to_be_visible()
            await axe(page)
        await client.cancel(job_id)
        await expect(badge(new)).to_have_text("Cancelled")


async def test_the_list_is_filtered_by_state_and_by_a_part_of_the_name_which_the_url_keeps(
    page: Page, own_service: Service, tmp_path: Path
) -> None:
    async with own_service.client() as client:
        await kinds.failed(client, tmp_path)
        await kinds.skipped(client, tmp_path)
        await kinds.warned(client, tmp_path)
    await open_jobs(page, own_service)
    await expect(page.locator(".job-row")).to_have_count(3)
    await page.get_by_role("searchbox", name="Find by file name").fill("CITI")
    await expect(page.locator(".job-row")).to_have_count(1)
    await expect(row(page, "cities.csv")).to_be_visible()
    assert page.url.endswith("#/jobs?name=CITI")
    await page.get_by_role("radio", name="Failed").check()
    await expect(page.get_by_role("heading", name="No matching jobs")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("radio", name="Failed")).to_be_checked()
    await expect(page.get_by_role("searchbox")).to_have_value("CITI")
    await expect(page.get_by_role("heading", name="No matching jobs")).to_be_visible()
    await page.get_by_role("button", name="Show all jobs").click()
    await expect(page.locator(".job-row")).to_have_count(3)


async def test_more_jobs_are_loaded_and_the_focus_goes_to_the_first_of_them(
    page: Page, own_service: Service, tmp_path: Path
) -> None:
    plays(tmp_path / "plays.csv", rows=3)
    async with own_service.client() as client:
        ids = [
            await client.upload(tmp_path / "plays.csv", name=f"plays {n:02}.csv") for n in range(30)
        ]
        for job_id in ids:
            await kinds.ended(client, job_id)
    await open_jobs(page, own_service)
    await expect(page.locator(".job-row")).to_have_count(25)
    await page.get_by_role("button", name="Load more").click()
    await expect(page.locator(".job-row")).to_have_count(30)
    await expect(page.get_by_role("link", name="plays 04.csv")).to_be_focused()
    await expect(page.get_by_role("button", name="Load more")).to_have_count(0)
    names = await page.locator(".job-name").all_inner_texts()
    assert names == [f"plays {n:02}.csv" for n in reversed(range(30))]


async def test_a_job_is_cancelled_after_a_question_by_keyboard_alone(
    page: Page, own_service: Service, tmp_path: Path
) -> None:
    async with own_service.client() as client:
        job_id = await kinds.slow(client, tmp_path, blocks=kinds.LONG)
        await kinds.reading(client, job_id)
        with kinds.paused(own_service):
            await open_jobs(page, own_service)
            button = page.get_by_role("button", name="Actions for slow plays.csv.bz2")
            await button.focus()
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("button", name="Cancel the job")).to_be_focused()
            await page.keyboard.press("Escape")
            await expect(button).to_be_focused()
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("button", name="Cancel the job")).to_be_focused()
            await page.keyboard.press("Enter")
            dialog = page.get_by_role("dialog", name="Cancel this job?")
            await expect(dialog.get_by_role("button", name="Let it run")).to_be_focused()
            await axe(page)
            await page.keyboard.press("Escape")
            await expect(dialog).to_have_count(0)
            assert (await client.job(job_id)).state == "STARTED"
            await button.focus()
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("button", name="Cancel the job")).to_be_focused()
            await page.keyboard.press("Enter")
            await expect(dialog.get_by_role("button", name="Let it run")).to_be_focused()
            await page.keyboard.press("Tab")
            await page.keyboard.press("Enter")
            await expect(badge(row(page, "slow plays"))).to_have_text("Cancelled")
            assert (await client.job(job_id)).state == "REVOKED"


async def test_the_list_waits_for_a_service_that_is_away_and_goes_on_by_itself(
    page: Page, own_service: Service, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("ERR_|Failed to load resource")
    async with own_service.client() as client:
        await kinds.skipped(client, tmp_path)
    await open_jobs(page, own_service)
    await page.get_by_role("link", name="New question").click()
    await page.evaluate("customElements.whenDefined('csv-uploads')")
    await own_service.kill()
    await page.get_by_role("link", name="Jobs").click()
    await expect(page.locator("main .notice-bad")).to_contain_text("does not answer")
    await own_service.start()
    await expect(row(page, "dirty.csv")).to_be_visible()


async def test_on_a_phone_nothing_is_wider_than_the_window(
    open_context: OpenContext, own_service: Service, tmp_path: Path
) -> None:
    async with own_service.client() as client:
        ids = [
            await kinds.failed(client, tmp_path),
            await kinds.skipped(client, tmp_path),
            await kinds.warned(client, tmp_path),
        ]
    for viewport in (PHONE, {"width": 320, "height": 640}):
        context = await open_context(viewport=viewport)
        page = await context.new_page()
        await open_jobs(page, own_service)
        await expect(page.locator(".job-row")).to_have_count(3)
        assert await scrolls_sideways(page) == []
        await axe(page)
        for job_id in ids:
            await open_job(page, own_service, job_id)
            assert await scrolls_sideways(page) == []
