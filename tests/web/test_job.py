"""The page of one job, while it runs and after it has ended."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.web import kinds_of_jobs as kinds
from tests.web.accessibility import axe
from tests.web.viewing_jobs import (
    SHOWN_NAME,
    badge,
    open_job,
)

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.conftest import StartService
    from tests.web.service import Service
    from tests.web.watch import Watch


async def test_a_running_job_shows_its_progress_and_then_its_result_and_is_told_once(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.slow(client, tmp_path)
        await kinds.reading(client, job_id)
        with kinds.paused(service):
            shown = await client.job(job_id)
            await open_job(page, service, job_id)
            assert shown.progress is not None
            bar = page.get_by_role("progressbar", name="Progress of slow plays.csv.bz2")
            await expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^\d+$"))
            await expect(page.locator(".live-stage")).to_have_text("Reading and grouping")
            await expect(page.locator(".live-figures")).to_contain_text(
                f"{shown.input_size / 1e6:.2f} MB"
            )
            await expect(page).to_have_title(re.compile(r"^\d+ % · slow plays.csv.bz2 · csvmill"))
            icon = page.locator('link[rel="icon"]')
            await expect(icon).to_have_attribute("href", re.compile("^data:image/svg"))
            await axe(page)
        await page.evaluate(
            """() => {
                window.said = [];
                new MutationObserver(() => {
                    const text = document.getElementById("announcer").textContent;
                    if (text) window.said.push(text);
                }).observe(document.getElementById("announcer"), {childList: true});
            }"""
        )
        await expect(badge(page)).to_have_text("Done", timeout=60_000)
        job = await client.job(job_id)
        assert job.rows_in == kinds.BLOCK * kinds.BLOCKS
        assert job.rows_out == 50
    figures = page.locator(".figures")
    await expect(figures).to_contain_text("2,000,000")
    await expect(page.locator(".rows-sum")).to_have_text(
        "2,000,000 rows read = 2,000,000 counted + 0 left out by the filter + 0 rejected"
    )
    await expect(page).to_have_title("Done · slow plays.csv.bz2 · csvmill")
    await expect(page.locator("csv-download")).to_be_attached()
    await expect(page.locator("csv-look")).to_be_attached()
    assert await page.locator("csv-look").evaluate("(each) => each.job.id") == job_id
    said = [text for text in await page.evaluate("window.said") if "slow plays" in text]
    assert said == ["slow plays.csv.bz2: Done"]
    await page.get_by_role("link", name="← All jobs").click()
    await expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    await expect(page.locator('link[rel="icon"]')).to_have_attribute("href", re.compile("icon.svg"))


async def test_a_job_is_followed_again_after_the_service_was_restarted(
    page: Page, start_service: StartService, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("ERR_|Failed to load resource")
    service = await start_service(lease=2)
    async with service.client() as client:
        job_id = await kinds.slow(client, tmp_path)
        await kinds.reading(client, job_id)
        with kinds.paused(service):
            await open_job(page, service, job_id)
            await expect(badge(page)).to_have_text("Running")
            await service.kill()
    await expect(page.get_by_text("The job continues; this page follows it")).to_be_visible()
    await service.start()
    await expect(page.get_by_text("The job continues; this page follows it")).to_be_hidden()
    await expect(badge(page)).to_have_text("Done", timeout=90_000)
    await page.get_by_text("Times, memory and attempts").click()
    attempts = page.get_by_role("table").filter(has_text="Outcome")
    await expect(attempts).to_contain_text("Worker lost")
    await expect(attempts).to_contain_text("Succeeded")


async def test_a_failed_job_says_what_is_wrong_where_and_what_to_do(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.failed(client, tmp_path)
    await open_job(page, service, job_id)
    await expect(page.locator("h1")).to_have_text(SHOWN_NAME)
    notice = page.locator(".notice-bad")
    await expect(notice).to_contain_text("41 rows that cannot be read")
    await expect(notice).not_to_contain_text("line 2")  # it is in the table
    problems = page.get_by_role("table")
    await expect(problems.get_by_role("row")).to_have_count(3)
    first = problems.get_by_role("row").nth(1)
    await expect(first.get_by_role("cell").first).to_have_text("2")
    await expect(first).to_contain_text(kinds.HOSTILE_CELL)
    await expect(first).to_contain_text("3: Number of Plays")
    await expect(problems.get_by_role("row").nth(2)).to_contain_text("33 to 51 (19 rows)")
    await expect(page.get_by_text("The first 20 of 41.")).to_be_visible()
    assert await page.locator("main img").count() == 0
    await axe(page)

    await notice.get_by_role("button", name="Run again with bad rows left out").click()
    # The service has the file, so the job starts at once.
    await page.wait_for_url(lambda url: "#/jobs/" in url and job_id not in url)
    await expect(badge(page)).to_have_text("Done")
    async with service.client() as client:
        job = await client.job(page.url.rpartition("/")[2])
    assert job.aggregation is not None
    assert job.aggregation["input"]["on_bad_row"] == "skip"
    assert job.aggregation["aggregates"][0]["column"] == 3
    assert job.report is not None
    assert (job.report.rows_aggregated, job.report.rows_rejected) == (30, 41)


async def test_a_job_that_is_cancelled_in_one_tab_ends_in_the_other_too(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.slow(client, tmp_path, blocks=kinds.LONG)
        await kinds.reading(client, job_id)
    other = await page.context.new_page()
    with kinds.paused(service):
        await asyncio.gather(open_job(page, service, job_id), open_job(other, service, job_id))
        await expect(badge(other)).to_have_text("Running")
        await page.get_by_role("button", name="Cancel the job").click()
        await page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
        for each in (page, other):
            await expect(badge(each)).to_have_text("Cancelled")
            await expect(each.get_by_text("The job was cancelled")).to_be_visible()


async def test_a_job_that_does_not_exist_is_said_to_be_missing(
    page: Page, service: Service, watch: Watch
) -> None:
    watch.expect("status of 404")
    await page.goto(f"{service.url}#/jobs/9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55")
    await expect(page.get_by_role("heading", name="This job does not exist")).to_be_visible()
    await axe(page)


async def test_an_attempt_after_a_failed_one_says_why_that_failed(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.slow(client, tmp_path, blocks=kinds.LONG)
        await kinds.reading(client, job_id)
        with kinds.paused(service):
            await open_job(page, service, job_id)
            await expect(badge(page)).to_have_text("Running")
            kinds.kill_engine(service)
        await kinds.reading(client, job_id, attempt=2)
        with kinds.paused(service):
            await expect(page.locator(".live-earlier")).to_contain_text("SIGKILL")
            await expect(page.locator(".live-stage")).to_contain_text("Attempt 2 of 3")
            await page.get_by_role("button", name="Cancel the job").click()
            await page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
            await expect(page.get_by_text("The job was cancelled")).to_be_visible()
        await page.get_by_text("Times, memory and attempts").click()
        await expect(page.get_by_role("table")).to_contain_text("SIGKILL")


async def test_who_asks_is_told_by_the_system_when_a_job_is_done(
    page: Page, service: Service, tmp_path: Path
) -> None:
    await page.context.grant_permissions(["notifications"], origin=service.origin)
    await page.add_init_script(
        """window.told = [];
        window.Notification = class extends window.Notification {
            constructor(title, options) { super(title, options); window.told.push(title); }
        };"""
    )
    async with service.client() as client:
        job_id = await kinds.slow(client, tmp_path, blocks=kinds.LONG)
        await kinds.reading(client, job_id)
        with kinds.paused(service):
            await open_job(page, service, job_id)
            await page.get_by_role("button", name="Notify me when it is done").click()
            button = page.get_by_role("button", name="You will be notified when it is done")
            await expect(button).to_be_disabled()
            assert await page.evaluate("window.told") == []
            await client.cancel(job_id)
            await expect(badge(page)).to_have_text("Cancelled")
        assert await page.evaluate("window.told") == ["Cancelled: slow plays.csv.bz2"]
