"""A file that is given is read, shown and corrected."""

from __future__ import annotations

import asyncio
import gzip
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
import xlsxwriter
from playwright.async_api import expect

from tests.web.accessibility import axe
from tests.web.asking import (
    PNG,
    column_heads,
    control,
    open_start,
    open_with,
    question,
    result,
    rows_of,
    start_and_open_job,
    unfold,
)
from tests.web.files import (
    HOSTILE_CELLS,
    HOSTILE_NAME,
    german_sales,
    hostile,
    sales,
)
from tests.web.gestures import drop

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page, Route

    from tests.web.service import Service
    from tests.web.watch import Watch


async def test_a_wrong_reading_is_corrected_and_read_again(
    page: Page, service: Service, tmp_path: Path
) -> None:
    german_sales(tmp_path / "umsatz.csv")
    await open_with(page, service, tmp_path / "umsatz.csv")
    await expect(column_heads(page).nth(1)).to_contain_text("Straße")
    await expect(column_heads(page).nth(2)).to_have_text("Betrag" + "text")
    await expect(page.get_by_text("Things to check")).to_be_visible()
    await expect(page.get_by_text("The encoding was guessed. The text is not")).to_be_visible()

    await page.get_by_role("button", name="Decimals: Comma: 1,5").click()

    await expect(column_heads(page).nth(2)).to_have_text("Betrag" + "number")
    await expect(page.get_by_text("One thing to check")).to_be_visible()
    await control(page, "input.encoding").select_option("Windows-1251 (Cyrillic)")
    await expect(page.get_by_text("One thing to check")).to_be_hidden()
    await expect(column_heads(page).nth(1)).to_contain_text("StraЯe")
    await control(page, "input.delimiter").select_option("Comma")
    await expect(page.get_by_text("rows are malformed")).to_be_visible()
    await page.get_by_role("button", name="Undo all corrections").click()
    await expect(column_heads(page).nth(1)).to_contain_text("Straße")
    await control(page, "input.decimal").select_option("Comma: 1,5")
    await page.get_by_role("button", name="Sum of Betrag by Straße").click()
    job = await start_and_open_job(page)
    lines = (tmp_path / "umsatz.csv").read_bytes().decode("cp1252").splitlines()[1:]
    total = sum(Decimal(line.rpartition(";")[2].replace(",", ".")) for line in lines)
    found = rows_of(await result(service, job))
    assert [Decimal(row["sum(Betrag)"]) for row in found] == [total]


async def test_what_is_proposed_is_taken_with_one_click(
    page: Page, service: Service, tmp_path: Path
) -> None:
    path = tmp_path / "report.csv"
    path.write_text("Sales 2020\n\nday;amount\n31/01/2020;5\n01/02/2020;7\n15/02/2020;9\n")
    await open_with(page, service, path)
    await expect(page.get_by_text("Skip lines above: 2")).to_be_visible()
    await page.get_by_role("button", name="Use these settings").click()
    await expect(column_heads(page)).to_have_text(["day" + "date", "amount" + "whole number"])
    await page.get_by_role("button", name="Sum of amount by month of day").click()
    found = rows_of(await result(service, await start_and_open_job(page)))
    assert [tuple(row.values()) for row in found] == [("2020-01", "5"), ("2020-02", "16")]


async def test_a_person_says_whether_there_is_a_header(
    page: Page, service: Service, tmp_path: Path
) -> None:
    (tmp_path / "numbers.csv").write_text("12,5\n13,6\n12,7\n")
    await open_with(page, service, tmp_path / "numbers.csv")
    await expect(page.get_by_text("Is the first line a header?")).to_be_visible()
    await page.get_by_role("button", name="No, it is data").click()
    await expect(page.locator(".ask-table tbody tr")).to_have_count(3)
    await control(page, "group_by.add").click()
    await control(page, "aggregates.add").click()
    await control(page, "aggregates[0].column").select_option("2")
    found = await result(service, await start_and_open_job(page))
    assert found == b"column1,sum(column2)\n12,12\n13,6\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PNG, "a picture (PNG)"),
        (b"", "The file is empty"),
        (b"\x1f\x8b\x08 broken", "gzip"),
        (bytes(range(256)) * 20, "cannot be read"),
    ],
)
async def test_a_file_that_cannot_be_read_is_described(
    page: Page, service: Service, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    await open_with(page, service, tmp_path / "bad.csv")
    await expect(page.locator(".ask-messages .notice-bad")).to_contain_text("cannot be read")
    await expect(page.locator(".ask-messages .notice-bad")).to_contain_text(message)
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_hidden()
    await page.get_by_role("button", name="Remove bad.csv").click()
    await expect(page.get_by_role("button", name="Choose files")).to_be_visible()


async def test_malformed_rows_are_shown_with_their_lines(
    page: Page, service: Service, tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n3\n4,5,6\n7,8\n")
    await open_with(page, service, tmp_path / "bad.csv")
    problems = page.locator(".ask-problems li")
    await expect(problems.first).to_contain_text("Line 3")
    await expect(problems.first).to_contain_text("expected 2 columns as in the header")
    await page.get_by_role("button", name="Set “Malformed rows”").click()
    await expect(control(page, "input.on_bad_row")).to_be_focused()
    await control(page, "input.on_bad_row").select_option("Are left out and counted")
    await page.get_by_role("button", name="Total of a").click()
    found = await result(service, await start_and_open_job(page))
    assert found == b"sum(a),count\n8,2\n"


async def test_a_compressed_file_is_read(page: Page, service: Service, tmp_path: Path) -> None:
    sales(tmp_path / "sales.csv", rows=50_000)
    packed = tmp_path / "sales.csv.gz"
    packed.write_bytes(gzip.compress((tmp_path / "sales.csv").read_bytes()))
    await open_with(page, service, packed, unfolded=True)
    await page.get_by_text("More about the file").click()
    compression = control(page, "input.compression").locator("option:checked")
    await expect(compression).to_have_text("Found: gzip")
    await expect(column_heads(page)).to_have_count(5)


async def test_a_sheet_of_a_workbook_is_chosen_and_asked_about(
    page: Page, service: Service, tmp_path: Path
) -> None:
    plays = [("Ä", date(2026, 3, day), day * 10) for day in range(1, 20)]
    plays += [("B", date(2026, 4, day), day) for day in range(1, 20)]
    with xlsxwriter.Workbook(
        tmp_path / "plays.xlsx", {"default_date_format": "yyyy-mm-dd"}
    ) as made:
        notes, sheet = made.add_worksheet("Notes"), made.add_worksheet("Plays & more")
        for number, row in enumerate([("Topic", "Text"), ("a", "b"), ("c", "d")]):
            notes.write_row(number, 0, row)
        for number, values in enumerate([("Song", "Date", "Plays"), *plays]):
            sheet.write_row(number, 0, values)

    await open_with(page, service, tmp_path / "plays.xlsx")
    await expect(page.get_by_text("Which sheet of the workbook?")).to_be_visible()
    await expect(page.locator(".home-item")).to_contain_text("several sheets")
    await axe(page)
    await page.get_by_role("button", name="Notes").click()
    await expect(column_heads(page)).to_have_count(2)
    await control(page, "input.sheet").select_option("Plays & more")
    await expect(column_heads(page)).to_have_text(
        ["Song" + "text", "Date" + "date", "Plays" + "whole number"]
    )
    await page.get_by_role("button", name="Sum of Plays by Song").click()
    assert (await question(page))["input"] == {"sheet": "Plays & more"}
    job = await start_and_open_job(page)
    found = {row["Song"]: row["sum(Plays)"] for row in rows_of(await result(service, job))}
    assert found == {song: str(sum(n for name, _, n in plays if name == song)) for song in "ÄB"}


async def test_hostile_names_and_cells_are_text(
    page: Page, service: Service, tmp_path: Path
) -> None:
    path = tmp_path / HOSTILE_NAME
    hostile(path)
    await open_start(page, service)
    await drop(page.locator("main"), path)
    await expect(page.locator(".home-name")).to_have_text(HOSTILE_NAME)
    await expect(column_heads(page).first).to_contain_text("<b>name</b>")
    await unfold(page)
    await page.get_by_role("button", name="Show 6 rows").click()
    shown = await page.locator(".ask-table tbody td:nth-child(2)").all_text_contents()
    assert shown == [text if len(text) <= 100 else f"{text[:100]}..." for text in HOSTILE_CELLS]
    await page.get_by_role("button", name="Sum of value by <b>name</b>").click()
    assert (await question(page))["group_by"] == ["<b>name</b>"]
    await page.get_by_role("tab", name="Command line").click()
    await expect(page.locator("#ask-spec")).to_contain_text("<img src=x onerror=alert(1)>")
    found = rows_of(await result(service, await start_and_open_job(page)))
    assert sorted(row["<b>name</b>"] for row in found) == sorted(HOSTILE_CELLS)


async def test_the_last_correction_counts_though_an_earlier_one_is_answered_later(
    page: Page, service: Service, tmp_path: Path
) -> None:
    german_sales(tmp_path / "umsatz.csv")
    await open_with(page, service, tmp_path / "umsatz.csv")
    held: asyncio.Queue[Route] = asyncio.Queue()

    async def hold(route: Route) -> None:
        if "windows-1251" in (route.request.post_data_buffer or b"").decode("latin-1"):
            await held.put(route)
        else:
            await route.continue_()

    await page.route("**/api/v1/inspections", hold)
    await control(page, "input.encoding").select_option("Windows-1251 (Cyrillic)")
    late = await held.get()
    await control(page, "input.encoding").select_option("Mac Roman")
    await expect(column_heads(page).nth(1)).to_contain_text("Straﬂe")
    await late.continue_()
    await page.unroute_all(behavior="wait")
    await control(page, "input.delimiter").select_option("Semicolon")
    await expect(page.locator(".ask-busy")).to_have_text("")
    await expect(column_heads(page).nth(1)).to_contain_text("Straﬂe")


async def test_a_file_is_read_when_the_connection_is_back(
    page: Page, service: Service, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED")
    sales(tmp_path / "sales.csv")
    await open_with(page, service, tmp_path / "sales.csv")
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Sum of amount by region").click()
    await expect(page.locator(".ask-problem .notice-bad")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.locator(".ask-output-names li")).to_have_text(["region", "sum(amount)"])
    await expect(page.locator(".ask-problem .notice-bad")).to_have_count(0)


async def test_a_file_that_was_removed_is_asked_for_again(
    page: Page, service: Service, tmp_path: Path
) -> None:
    path = tmp_path / "sales.csv"
    sales(path)
    await open_with(page, service, path)
    path.unlink()
    await page.get_by_role("button", name="Sum of amount by region").click()
    await expect(page.get_by_text("The file cannot be read any more")).to_be_visible()


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
async def test_a_file_without_doubt_is_told_in_a_line_and_the_question_is_in_sight(
    page: Page, service: Service, tmp_path: Path, size: tuple[int, int]
) -> None:
    width, height = size
    await page.set_viewport_size({"width": width, "height": height})
    sales(tmp_path / "sales.csv")
    await open_with(page, service, tmp_path / "sales.csv")
    told = "Comma · UTF-8 · 5 columns: date, region, product, units, amount"
    await expect(page.locator(".ask-reading-line")).to_have_text(told)
    for shown in (
        page.get_by_role("heading", name="Your question"),
        page.get_by_role("button", name="Sum of amount by region"),
        control(page, "group_by.add"),
    ):
        box = await shown.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height
    assert await page.evaluate("scrollY") == 0
    await unfold(page)
    await expect(column_heads(page).first).to_be_visible()


async def test_what_to_check_is_shown_without_a_click(
    page: Page, service: Service, tmp_path: Path
) -> None:
    path = tmp_path / "gaps.csv"
    path.write_text("city,price\nUlm,5\nJena,n/a\nGera,7\n" + "Ulm,3\n" * 40)
    await open_with(
        page, service, path, fragment="#/?q=(aggregates:!((function:sum,column:price)))"
    )
    await expect(page.locator(".ask-reading .notice").first).to_be_visible()
    shown = await page.locator("csv-ask").inner_text()
    assert "“Missing values”" in shown or "Missing values: " in shown
    assert "input." not in shown
