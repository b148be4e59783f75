"""What the page of a job that has ended tells and offers: report, warnings, results."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from shared.jobs.warnings import KINDS
from tests.web import kinds_of_jobs as kinds
from tests.web.accessibility import axe
from tests.web.viewing_jobs import (
    badge,
    new_key,
    open_job,
    open_jobs,
    row,
)

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.conftest import StartService
    from tests.web.service import Service
    from tests.web.watch import Watch


async def test_a_failed_job_is_tried_again_and_deleted(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.damaged(client, tmp_path)
        await open_job(page, service, job_id)
        await page.get_by_role("button", name="Retry", exact=True).click()
        await expect(page.get_by_text("The job runs again.").first).to_be_visible()
        assert len((await kinds.ended(client, job_id)).attempts) == 2
        await expect(badge(page)).to_have_text("Failed")
        await page.get_by_role("button", name="Delete", exact=True).click()
        dialog = page.get_by_role("dialog", name="Delete this job's data?")
        await dialog.get_by_role("button", name="Delete", exact=True).click()
        await expect(page.get_by_text("the job cannot be tried again")).to_be_visible()
        await expect(page.get_by_role("button", name="Retry", exact=True)).to_have_count(0)
        assert (await client.job(job_id)).expired_at is not None


async def test_a_job_with_bad_rows_is_not_retried_but_run_without_them(
    page: Page, service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job_id = await kinds.failed(client, tmp_path)
        job = await client.job(job_id)
    await open_job(page, service, job_id)
    notice = page.locator(".notice-bad")
    run = notice.get_by_role("button", name="Run again with bad rows left out")
    await expect(run).to_be_visible()
    await expect(page.get_by_role("button", name="Retry", exact=True)).to_have_count(0)
    # The first bad row is shown once, in the table of all.
    await expect(page.locator("table.problems tbody tr").first).to_contain_text("2")
    await expect(notice).not_to_contain_text(job.problems[0].expected)
    await axe(page)


async def test_what_a_cell_should_be_is_told_in_the_words_of_the_page(
    page: Page, service: Service, tmp_path: Path
) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("city,price\nUlm,5\nJena,n/a\nUlm,3\n")
    spec = {"group_by": ["city"], "aggregates": [{"function": "sum", "column": "price"}]}
    async with service.client() as client:
        job = await kinds.ended(client, await client.upload(path, aggregation=spec))
    assert "input.null" in job.problems[0].expected
    await open_job(page, service, job.id)
    await expect(page.locator("table.problems tbody tr")).to_contain_text("“Missing values”")
    for shown in await page.locator("csv-job .notice, table.problems").all_inner_texts():
        assert "input." not in shown


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
    page: Page, own_service: Service, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("status of 410")  # of requests for the result that were on their way
    async with own_service.client() as client:
        job_id = await kinds.skipped(client, tmp_path)
        await open_job(page, own_service, job_id)
        await page.get_by_role("button", name="Delete", exact=True).click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
        await expect(page.get_by_text("The result is no longer kept")).to_be_visible()
        await expect(page.locator("csv-download")).to_have_count(0)
        await expect(page.get_by_role("button", name="Download the rejected rows")).to_have_count(0)
        await open_jobs(page, own_service)
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
    messages = {kind: f"{told.found}: {told.meaning}" for kind, told in KINDS.items()}
    found: dict[str, Any] = await page.evaluate(
        """async (messages) => {
            const base = new URL(document.querySelector('script[type="module"]').src);
            const { warnings } = await import(new URL("texts/warnings.js", base));
            const { warningTexts } = await import(new URL("jobs/warning_texts.js", base));
            return {
                kinds: Object.keys(warnings.kinds),
                told: Object.entries(messages).map(([kind, message]) =>
                    Object.values(warningTexts({ kind, message, line: null })).join(" ")),
                unknown: warningTexts({
                    kind: "new", count: 2, line: 7, column: null, example: "x",
                    message: "something was found", remedy: "do something",
                }),
            };
        }""",
        messages,
    )
    assert set(found["kinds"]) == set(KINDS)
    # In the words of the page, and not in those of a spec.
    assert [text for text in found["told"] if re.search(r"\bwhere\b|input\.", text)] == []
    assert found["unknown"] == {
        "title": "Something to check",
        "message": "Something was found.",
        "remedy": "Do something.",
        "place": "first in line 7",
    }


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
