"""Another question about files that the service has: no byte is sent again."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import xlsxwriter
from playwright.async_api import expect

from tests.web import kinds_of_jobs as kinds
from tests.web.accessibility import axe, scrolls_sideways
from tests.web.asking import control, question, result, rows_of, start_and_open_job
from tests.web.files import sales
from tests.web.gestures import choose
from tests.web.looking import PHONE, job_of
from tests.web.viewing_jobs import open_job

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.service import Service
    from tests.web.watch import Watch

BY_REGION = {
    "group_by": ["region"],
    "aggregates": [{"function": "sum", "column": "amount"}],
}


async def test_another_question_is_asked_of_a_job_and_nothing_is_sent_again(
    page: Page, service: Service, tmp_path: Path
) -> None:
    totals = sales(tmp_path / "sales.csv", by="product")
    job_id = await job_of(service, tmp_path, (tmp_path / "sales.csv").read_bytes(), BY_REGION)
    await open_job(page, service, job_id)
    sent: list[str] = []
    page.on(
        "request",
        lambda each: (
            sent.append(f"{each.method} {urlsplit(each.url).path}")
            if each.method != "GET"
            else None
        ),
    )
    await page.get_by_role("button", name="Ask another question").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Another question")
    await expect(page.get_by_role("list", name="The files")).to_contain_text("data.csv")
    # It begins with the question that was asked.
    await expect(control(page, "group_by[0].column")).to_have_value('"region"')
    assert await question(page) == BY_REGION
    await axe(page)
    await control(page, "group_by[0].column").select_option("product")
    await page.get_by_role("tab", name="curl").click()
    await expect(page.locator("#ask-spec")).to_contain_text("/api/v1/jobs")
    await expect(page.locator("#ask-spec")).to_contain_text('"inputs"')
    address = page.url
    other = await start_and_open_job(page)
    assert other != job_id
    found = rows_of(await result(service, other))
    assert {row["product"]: Decimal(row["sum(amount)"]) for row in found} == totals
    paths = {path for path in sent if "inspect" not in path}
    assert paths == {"POST /api/v1/jobs"} | {path for path in paths if path.startswith("HEAD ")}

    # The address of the question asks it again.
    again = await page.context.new_page()
    await again.set_viewport_size(PHONE)  # type: ignore[arg-type]
    await again.goto(address)
    await expect(control(again, "group_by[0].column")).to_have_value('"product"')
    assert await scrolls_sideways(again) == []


async def test_a_file_that_was_deleted_meanwhile_is_asked_for(
    page: Page, service: Service, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("status of 4")
    async with service.client() as client:
        job_id = await kinds.skipped(client, tmp_path)
        job = await client.job(job_id)
        await open_job(page, service, job_id)
        await expect(page.get_by_role("button", name="Ask another question")).to_be_visible()
        await client.delete(job_id)
        await page.get_by_role("button", name="Ask another question").click()
    await expect(page.get_by_text("The file is no longer on the service")).to_be_visible()
    assert job.filename == "dirty.csv"
    await axe(page)
    await page.get_by_role("link", name="Choose a file").click()
    await expect(page.get_by_role("button", name="Choose files")).to_be_visible()


async def test_a_question_that_does_not_fit_is_told_before_it_is_asked(
    page: Page, service: Service, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("status of 4")
    sales(tmp_path / "sales.csv")
    job_id = await job_of(service, tmp_path, (tmp_path / "sales.csv").read_bytes(), BY_REGION)
    async with service.client() as client:
        upload = (await client.job(job_id)).inputs[0].upload_id
    await page.goto(f"{service.url}#/ask/{upload}?q=(aggregates:!((function:sum,column:region)))")
    await expect(page.locator(".field-error, .ask-problem .notice").first).to_be_visible()


async def test_a_workbook_on_the_service_is_asked_again_without_being_sent(
    page: Page, own_service: Service, tmp_path: Path
) -> None:
    path, other = tmp_path / "plays.xlsx", tmp_path / "other.xlsx"
    with xlsxwriter.Workbook(path) as made:
        for name in ("Notes", "Plays"):
            sheet = made.add_worksheet(name)
            for number, row in enumerate([("Song", "Plays"), ("a", 3), ("b", 4), ("a", 5)]):
                sheet.write_row(number, 0, row)
    other.write_bytes(path.read_bytes() + b"x")
    async with own_service.client() as client:
        upload = (await client.store(path)).id
    await page.goto(f"{own_service.url}#/ask/{upload}")
    choose_file = page.get_by_role("button", name="Choose the file")
    await expect(page.get_by_text("This is a workbook")).to_be_visible()
    await axe(page)
    await choose(choose_file, other)
    await expect(page.get_by_text("That is another file")).to_be_visible()
    await choose(choose_file, path)
    await page.get_by_role("button", name="Plays", exact=True).click()
    await page.get_by_role("button", name="Sum of Plays by Song").click()
    job = await start_and_open_job(page)
    found = {row["Song"]: row["sum(Plays)"] for row in rows_of(await result(own_service, job))}
    assert found == {"a": "8", "b": "4"}
    async with own_service.client() as client:
        assert [each.id async for each in client.uploads()] == [upload]
