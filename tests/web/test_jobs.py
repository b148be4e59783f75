"""The list of jobs and the page of one job, in Chromium on the real standalone service."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import sys
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from shared.jobs.warnings import KINDS
from tests.web import kinds_of_jobs as kinds
from tests.web.accessibility import axe, scrolls_sideways
from tests.web.files import HOSTILE_NAME, plays

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Locator, Page

    from tests.web.conftest import OpenContext, StartService
    from tests.web.service import Service
    from tests.web.watch import Watch

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


async def test_without_jobs_the_list_says_how_to_begin(page: Page, service: Service) -> None:
    await open_jobs(page, service)
    await expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()
    await axe(page)


async def test_the_list_shows_each_job_in_words_and_follows_what_happens(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        plays(tmp_path / "plays.csv", rows=2000)
        done = await client.upload(tmp_path / "plays.csv", aggregation=kinds.BY_SONG)
        await kinds.ended(client, done)
        await kinds.failed(client, tmp_path)
        await open_jobs(page, service)
        await expect(page.locator(".job-row")).to_have_count(2)
        first = row(page, "plays.csv")
        await expect(badge(first)).to_have_text("Done")
        await expect(first).to_contain_text(
            "Sum of Number of Plays by Song, the 10 largest by Plays"
        )
        await expect(first).to_contain_text("2,000 → 5")
        await expect(badge(row(page, SHOWN_NAME))).to_have_text("Failed")

        job_id = await kinds.slow(client, tmp_path)
        new = row(page, "slow plays.csv.bz2")
        await expect(new).to_be_visible()
        await expect(page.locator(".job-row").first).to_contain_text("slow plays.csv.bz2")
        await kinds.reading(client, job_id)
        with kinds.paused(service):
            await expect(badge(new)).to_have_text("Running")
            await expect(new.get_by_role("progressbar")).to_be_visible()
            await axe(page)
        await client.cancel(job_id)
        await expect(badge(new)).to_have_text("Cancelled")


async def test_the_list_is_filtered_by_state_and_by_a_part_of_the_name_which_the_url_keeps(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        await kinds.failed(client, tmp_path)
        await kinds.skipped(client, tmp_path)
        await kinds.warned(client, tmp_path)
    await open_jobs(page, service)
    await expect(page.locator(".job-row")).to_have_count(3)
    await page.get_by_role("searchbox", name="Find by file name").fill("CITI")
    await expect(page.locator(".job-row")).to_have_count(1)
    await expect(row(page, "cities.csv")).to_be_visible()
    assert page.url.endswith("#/jobs?name=CITI")
    await page.get_by_role("radio", name="Failed").check()
    await expect(page.get_by_role("heading", name="No job fits")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("radio", name="Failed")).to_be_checked()
    await expect(page.get_by_role("searchbox")).to_have_value("CITI")
    await expect(page.get_by_role("heading", name="No job fits")).to_be_visible()
    await page.get_by_role("button", name="Show all jobs").click()
    await expect(page.locator(".job-row")).to_have_count(3)


async def test_more_jobs_are_loaded_and_the_focus_goes_to_the_first_of_them(
    page: Page, service: Service, tmp_path: Path
) -> None:
    plays(tmp_path / "plays.csv", rows=3)
    async with service.client() as client:
        ids = [
            await client.upload(tmp_path / "plays.csv", name=f"plays {n:02}.csv") for n in range(30)
        ]
        for job_id in ids:
            await kinds.ended(client, job_id)
    await open_jobs(page, service)
    await expect(page.locator(".job-row")).to_have_count(25)
    await page.get_by_role("button", name="Load more").click()
    await expect(page.locator(".job-row")).to_have_count(30)
    await expect(page.get_by_role("link", name="plays 04.csv")).to_be_focused()
    await expect(page.get_by_role("button", name="Load more")).to_have_count(0)
    names = await page.locator(".job-name").all_inner_texts()
    assert names == [f"plays {n:02}.csv" for n in reversed(range(30))]


async def test_a_job_is_cancelled_after_a_question_by_keyboard_alone(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.slow(client, tmp_path)
        await kinds.reading(client, job_id)
        with kinds.paused(service):
            await open_jobs(page, service)
            button = page.get_by_role("button", name="Actions for slow plays.csv.bz2")
            await button.focus()
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("button", name="Cancel the job")).to_be_focused()
            await page.keyboard.press("Escape")
            await expect(button).to_be_focused()
            await page.keyboard.press("Enter")
            await page.keyboard.press("Enter")
            dialog = page.get_by_role("dialog", name="Cancel this job?")
            await expect(dialog.get_by_role("button", name="Let it run")).to_be_focused()
            await axe(page)
            await page.keyboard.press("Escape")
            await expect(dialog).to_have_count(0)
            assert (await client.job(job_id)).state == "STARTED"
            await button.focus()
            await page.keyboard.press("Enter")
            await page.keyboard.press("Enter")
            await page.keyboard.press("Tab")
            await page.keyboard.press("Enter")
            await expect(badge(row(page, "slow plays"))).to_have_text("Cancelled")
            assert (await client.job(job_id)).state == "REVOKED"


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
    page: Page, service: Service, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("ERR_|Failed to load resource")
    async with service.client() as client:
        job_id = await kinds.slow(client, tmp_path)
        await kinds.reading(client, job_id)
        with kinds.paused(service):
            await open_job(page, service, job_id)
            await expect(badge(page)).to_have_text("Running")
            await service.kill()
    await expect(page.get_by_text("The job goes on; this page follows it")).to_be_visible()
    await service.start()
    await expect(page.get_by_text("The job goes on; this page follows it")).to_be_hidden()
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
    await expect(notice).to_contain_text("line 2, column 3")
    problems = page.get_by_role("table")
    await expect(problems.get_by_role("row")).to_have_count(3)
    first = problems.get_by_role("row").nth(1)
    await expect(first).to_contain_text(kinds.HOSTILE_CELL)
    await expect(first).to_contain_text("3: Number of Plays")
    await expect(problems.get_by_role("row").nth(2)).to_contain_text("33 to 51 (19 rows)")
    await expect(page.get_by_text("The first 20 of 41.")).to_be_visible()
    assert await page.locator("main img").count() == 0
    await axe(page)

    await notice.get_by_role("button", name="Run again without bad rows").click()
    await expect(page).to_have_url(re.compile(r"#/\?q="))
    question = await question_in_url(page)
    assert question["input"]["on_bad_row"] == "skip"
    assert question["aggregates"][0]["column"] == 3


async def test_a_failed_job_is_tried_again_and_deleted(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.failed(client, tmp_path)
        await open_job(page, service, job_id)
        await page.get_by_role("button", name="Retry", exact=True).click()
        await expect(page.get_by_text("The job runs again.").first).to_be_visible()
        await expect(badge(page)).to_have_text("Failed")
        assert len((await client.job(job_id)).attempts) == 2
        await page.get_by_role("button", name="Delete", exact=True).click()
        dialog = page.get_by_role("dialog", name="Delete this job's data?")
        await dialog.get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("the job cannot be tried again")).to_be_visible()
        await expect(page.get_by_role("button", name="Retry", exact=True)).to_have_count(0)
        assert (await client.job(job_id)).expired_at is not None


async def test_the_report_adds_the_rows_up_and_the_rejected_ones_are_downloaded(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.skipped(client, tmp_path)
    await open_job(page, service, job_id)
    await expect(page.locator(".rows-sum")).to_have_text(
        "6 rows read = 3 counted + 1 left out by the filter + 2 rejected"
    )
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Download the rejected rows").click()
    download = await started.value
    text = (await download.path()).read_text(encoding="utf-8")
    rejected = list(csv.DictReader(io.StringIO(text)))
    assert [(each["line"], each["record"]) for each in rejected] == [
        ("4", "Halo,many"), ("6", "Umbrella,\u221e"),
    ]  # fmt: skip
    await page.get_by_text("The question as JSON").click()
    shown = json.loads(await page.locator(".spec pre").inner_text())
    assert shown["where"] == kinds.SKIPPING["where"]
    await axe(page)


async def test_a_deleted_result_is_explained_and_no_longer_offered(
    page: Page, service: Service, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("status of 410")  # of requests for the result that were on their way
    async with service.client() as client:
        job_id = await kinds.skipped(client, tmp_path)
        await open_job(page, service, job_id)
        await page.get_by_role("button", name="Delete", exact=True).click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("The result is no longer kept")).to_be_visible()
        await expect(page.locator("csv-download")).to_have_count(0)
        await expect(page.get_by_role("button", name="Download the rejected rows")).to_have_count(0)
        await open_jobs(page, service)
        await expect(row(page, "dirty.csv")).to_contain_text("Result removed")


async def test_a_result_that_was_deleted_alone_is_explained(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.skipped(client, tmp_path)
        await client.delete_result(job_id)
    await open_job(page, service, job_id)
    await expect(page.get_by_text("The result was deleted")).to_be_visible()
    await expect(page.locator("csv-download")).to_have_count(0)
    await expect(page.get_by_role("button", name="Share")).to_have_count(0)
    await expect(page.get_by_role("button", name="Delete", exact=True)).to_be_visible()


async def test_warnings_are_told_with_line_and_remedy(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.warned(client, tmp_path)
        job = await client.job(job_id)
    assert job.report is not None
    await open_job(page, service, job_id)
    shown = page.locator(".warning")
    await expect(shown).to_have_count(len(job.report.warnings))
    for number, warning in enumerate(job.report.warnings):
        await expect(shown.nth(number)).to_contain_text(warning.message[1:])
        await expect(shown.nth(number)).to_contain_text(f"line {warning.line}")
    await axe(page)


async def test_the_page_has_words_for_every_kind_of_warning_and_unknown_ones_speak_for_themselves(
    page: Page, service: Service
) -> None:
    await page.goto(service.url)
    found: dict[str, Any] = await page.evaluate(
        """async () => {
            const base = new URL(document.querySelector('script[type="module"]').src);
            const { warnings } = await import(new URL("texts/warnings.js", base));
            const { warningTexts } = await import(new URL("jobs/findings.js", base));
            return {
                kinds: Object.keys(warnings.kinds),
                unknown: warningTexts({
                    kind: "new", count: 2, line: 7, column: null, example: "x",
                    message: "something was found", remedy: "do something",
                }),
            };
        }"""
    )
    assert set(found["kinds"]) == set(KINDS)
    assert found["unknown"] == {
        "title": "Something to check",
        "message": "Something was found.",
        "remedy": "Do something.",
        "place": "first in line 7",
    }


async def test_a_job_that_is_cancelled_in_one_tab_ends_in_the_other_too(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.slow(client, tmp_path)
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


async def test_the_list_waits_for_a_service_that_is_away_and_goes_on_by_itself(
    page: Page, service: Service, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("ERR_|Failed to load resource")
    async with service.client() as client:
        await kinds.skipped(client, tmp_path)
    await open_jobs(page, service)
    await page.get_by_role("link", name="New question").click()
    await page.evaluate("customElements.whenDefined('csv-uploads')")
    await service.kill()
    await page.get_by_role("link", name="Jobs").click()
    await expect(page.locator("main .notice-bad")).to_contain_text("does not answer")
    await service.start()
    await expect(row(page, "dirty.csv")).to_be_visible()


async def test_the_result_is_shared_by_its_address(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.skipped(client, tmp_path)
    await open_job(page, service, job_id)
    await page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share the result")
    url = await dialog.get_by_label("The result").input_value()
    answer = await page.request.get(url)
    assert (answer.status, await answer.text()) == (200, "Song,sum(Plays)\nHalo,7\nUmbrella,200\n")
    assert await dialog.get_by_label("This page").input_value() == page.url
    await axe(page)
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_with_a_key_a_result_is_shared_and_rejects_are_downloaded_by_signed_links(
    page: Page, start_service: StartService, tmp_path: Path, watch: Watch
) -> None:
    watch.expect("status of 401")
    guarded = await start_service(auth="keys")
    key = await new_key(guarded)
    async with guarded.client(api_key=key) as client:
        job_id = await kinds.skipped(client, tmp_path)
    await page.goto(f"{guarded.url}#/jobs/{job_id}")
    asked = page.get_by_role("dialog", name="API key")
    await asked.get_by_label("API key").fill(key)
    await asked.get_by_role("button", name="Use this key").click()
    await expect(page.locator("h1")).to_have_text("dirty.csv")

    async with page.expect_download() as started:
        await page.get_by_role("button", name="Download the rejected rows").click()
    assert (await (await started.value).path()).read_text().startswith("line,offset,column,")

    await page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share the result")
    await dialog.get_by_label("The link is valid for").select_option("1 day")
    await dialog.get_by_role("button", name="Make a link").click()
    url = await dialog.get_by_label("Link", exact=True).input_value()
    answer = await page.request.get(url)
    assert (answer.status, await answer.text()) == (200, "Song,sum(Plays)\nHalo,7\nUmbrella,200\n")
    await axe(page)
    assert key not in "".join(watch.requests)


async def test_an_attempt_after_a_failed_one_says_why_that_failed(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.slow(client, tmp_path, blocks=150)
        await kinds.reading(client, job_id)
        await open_job(page, service, job_id)
        kinds.kill_engine(service)
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
        job_id = await kinds.slow(client, tmp_path)
        await kinds.reading(client, job_id)
        with kinds.paused(service):
            await open_job(page, service, job_id)
            await page.get_by_role("button", name="Tell me when it is done").click()
            button = page.get_by_role("button", name="You will be told when it is done")
            await expect(button).to_be_disabled()
            assert await page.evaluate("window.told") == []
            await client.cancel(job_id)
            await expect(badge(page)).to_have_text("Cancelled")
        assert await page.evaluate("window.told") == ["Cancelled: slow plays.csv.bz2"]


async def test_on_a_phone_nothing_is_wider_than_the_window(
    open_context: OpenContext, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        ids = [
            await kinds.failed(client, tmp_path),
            await kinds.skipped(client, tmp_path),
            await kinds.warned(client, tmp_path),
        ]
    for viewport in (PHONE, {"width": 320, "height": 640}):
        context = await open_context(viewport=viewport)
        page = await context.new_page()
        await open_jobs(page, service)
        await expect(page.locator(".job-row")).to_have_count(3)
        assert await scrolls_sideways(page) == []
        await axe(page)
        for job_id in ids:
            await open_job(page, service, job_id)
            assert await scrolls_sideways(page) == []
