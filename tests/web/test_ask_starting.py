"""Files are dropped, one or many, and their jobs are started."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.web.asking import (
    column_heads,
    control,
    open_start,
    open_with,
    result,
    rows_of,
    start_and_open_job,
    unfold,
)
from tests.web.files import (
    german_sales,
    plays,
    sales,
)
from tests.web.gestures import drop

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.service import Service


async def test_song_plays_are_summed_with_one_click(
    page: Page, service: Service, tmp_path: Path
) -> None:
    expected = plays(tmp_path / "plays.csv")
    await open_start(page, service)
    await drop(page.locator("main"), tmp_path / "plays.csv")
    await expect(page.get_by_text("These look like song plays")).to_be_visible()
    await unfold(page)
    assert await column_heads(page).all_inner_texts() == [
        "Song\ntext",
        "Date\ndate",
        "Number of Plays\nwhole number",
    ]
    job = await start_and_open_job(page, "Sum plays by song and date")
    assert await result(service, job) == expected


async def test_files_with_the_same_columns_get_the_same_question(
    page: Page, own_service: Service, tmp_path: Path
) -> None:
    first, second = sales(tmp_path / "a.csv", rows=300), sales(tmp_path / "b.csv", rows=500)
    plays(tmp_path / "plays.csv")
    await open_with(
        page, own_service, tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "plays.csv"
    )
    await expect(page.get_by_text("2 files with the same columns")).to_be_visible()
    await expect(page.locator(".home-differs")).to_have_text(
        "also has “Song”, “Date”, “Number of Plays”; lacks “date”, “region”, “product”, 2 others"
    )
    await page.get_by_role("button", name="Sum of amount by region").click()
    await page.get_by_label("A result for each file").check()
    await page.get_by_role("button", name="Start for 2 files").click()
    # The file with other columns is left
    await expect(page.locator(".home-name")).to_have_text(["plays.csv"])
    async with own_service.client() as client:
        found: dict[str, str] = {}
        while len(found) < 2:
            found = {job.filename: job.id async for job in client.jobs()}
    for name, totals in (("a.csv", first), ("b.csv", second)):
        rows = rows_of(await result(own_service, found[name]))
        assert {row["region"]: Decimal(row["sum(amount)"]) for row in rows} == totals


async def test_a_correction_is_for_all_files_with_the_same_columns(
    page: Page, own_service: Service, tmp_path: Path
) -> None:
    for name in ("a.csv", "b.csv"):
        german_sales(tmp_path / name)
    await open_with(page, own_service, tmp_path / "a.csv", tmp_path / "b.csv")
    await expect(page.get_by_text("2 files with the same columns")).to_be_visible()
    await control(page, "input.decimal").select_option("Comma: 1,5")
    await page.get_by_role("button", name="Sum of Betrag by Straße").click()
    await page.get_by_label("A result for each file").check()
    await page.get_by_role("button", name="Start for 2 files").click()
    await page.wait_for_url("**/#/jobs")
    async with own_service.client() as client:
        jobs: list[str] = []
        while len(jobs) < 2:
            jobs = [job.id async for job in client.jobs()]
    found = [rows_of(await result(own_service, job)) for job in jobs]
    assert found[0] == found[1]
    assert Decimal(found[0][0]["sum(Betrag)"]) > 0


async def test_many_files_are_read_one_after_the_other(
    page: Page, service: Service, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.csv" for number in range(24)]
    for path in paths:
        sales(path, rows=20)
    await open_with(page, service, *paths)
    await expect(page.get_by_text("24 files with the same columns")).to_be_visible()
    await page.get_by_role("button", name="Number of rows by region").click()
    await expect(page.get_by_role("button", name="Start for 24 files")).to_be_enabled()


async def test_a_folder_is_refused_politely(page: Page, service: Service, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.csv").write_text("a\n1\n")
    await open_start(page, service)
    await drop(page.locator("main"), folder)
    await expect(page.get_by_text("A folder cannot be added").first).to_be_visible()
    await expect(page.get_by_role("button", name="Choose files")).to_be_visible()


async def test_a_file_that_is_dropped_into_another_view_is_asked_about(
    page: Page, service: Service, tmp_path: Path
) -> None:
    sales(tmp_path / "sales.csv")
    await open_start(page, service, "#/jobs")
    await drop(page.locator("body"), tmp_path / "sales.csv")
    await expect(column_heads(page)).to_have_count(5)
    await page.wait_for_url("**/#/")


async def test_the_sample_file_shows_the_way_without_a_file(page: Page, service: Service) -> None:
    await open_start(page, service)
    await page.get_by_role("button", name="Try it with a sample file").click()
    await expect(column_heads(page)).to_have_count(6)
    await page.get_by_role("button", name="Sum of amount by region").click()
    found = rows_of(await result(service, await start_and_open_job(page)))
    assert len(found) == 4
