"""Files are dropped, seen, and asked about."""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import aiohttp
import pytest
from playwright.async_api import expect

from tests.web.accessibility import axe, scrolls_sideways
from tests.web.files import (
    HOSTILE_CELLS,
    HOSTILE_NAME,
    german_sales,
    hostile,
    plays,
    sales,
)
from tests.web.gestures import drop

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Locator, Page, Route

    from tests.web.service import Service
    from tests.web.watch import Watch

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


async def open_start(page: Page, service: Service, fragment: str = "") -> None:
    await page.goto(service.url + fragment)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()


async def give(page: Page, *paths: Path) -> None:
    """Choose files, and wait until the first one was read."""
    await page.locator("input[type=file]").set_input_files(list(paths))
    read = page.locator(".ask-table, .ask-messages .notice, .ask-table-place .notice")
    await expect(read.first).to_be_visible()


def control(page: Page, place: str) -> Locator:
    """The control of a value of the aggregation."""
    return page.locator(f'[id="ask-{place}"]')


def column_heads(page: Page) -> Locator:
    return page.locator(".ask-table thead th:not(.ask-line)")


async def question(page: Page) -> Any:
    """The question as the page shows it in JSON."""
    await page.get_by_role("tab", name="JSON").click()
    return json.loads(await page.locator("#ask-spec").inner_text())


async def start_and_open_job(page: Page, name: str = "Start") -> str:
    """Press the button that starts; return the id of the job whose page opens."""
    await page.get_by_role("button", name=name, exact=True).click()
    await page.wait_for_url("**/#/jobs/*")
    return page.url.rpartition("/")[2]


async def result(service: Service, job: str) -> bytes:
    """Wait for a job and return its result."""
    async with service.client() as client:
        await client.wait(job, timeout=60)
    url = f"{service.url}api/v1/jobs/{job}/result"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.read()


def rows_of(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text.decode())))


async def test_song_plays_are_summed_with_one_click(
    page: Page, service: Service, tmp_path: Path
) -> None:
    expected = plays(tmp_path / "plays.csv")
    await open_start(page, service)
    await drop(page.locator("main"), tmp_path / "plays.csv")
    await expect(page.get_by_text("These look like song plays")).to_be_visible()
    assert await column_heads(page).all_inner_texts() == [
        "Song\ntext",
        "Date\ndate",
        "Number of Plays\nwhole number",
    ]
    job = await start_and_open_job(page, "Sum plays by song and date")
    assert await result(service, job) == expected


async def test_a_question_is_put_together_by_clicking(
    page: Page, service: Service, tmp_path: Path
) -> None:
    totals = sales(tmp_path / "sales.csv")
    await open_start(page, service)
    await give(page, tmp_path / "sales.csv")
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()

    await control(page, "group_by.add").click()
    await control(page, "group_by[0].column").select_option("region")
    await control(page, "aggregates.add").click()
    await control(page, "aggregates[0].function").select_option("Sum")
    await control(page, "aggregates[0].column").select_option("amount")
    await control(page, "aggregates.count").click()
    await control(page, "where.add").click()
    await control(page, "where.and[0].column").select_option("region")
    await control(page, "where.and[0].op").select_option("is one of")
    await control(page, "where.and[0].value").fill("North\nSouth\nEast")
    await control(page, "order_by.add").click()
    await control(page, "limit").fill("2")

    expected = {
        "group_by": ["region"],
        "aggregates": [{"function": "sum", "column": "amount"}, {"function": "count"}],
        "where": {"column": "region", "op": "in", "value": ["North", "South", "East"]},
        "order_by": [{"column": "sum(amount)", "descending": True}],
        "limit": 2,
    }
    assert await question(page) == expected
    outputs = page.locator(".ask-output-names li")
    await expect(outputs).to_have_text(["region", "sum(amount)", "count"])
    found = rows_of(await result(service, await start_and_open_job(page)))
    best = sorted(((totals[name], name) for name in ("North", "South", "East")), reverse=True)[:2]
    assert [(Decimal(row["sum(amount)"]), row["region"]) for row in found] == best


async def test_a_question_is_put_together_with_the_keyboard_alone(
    page: Page, service: Service, tmp_path: Path
) -> None:
    totals = sales(tmp_path / "sales.csv")
    await open_start(page, service)
    await give(page, tmp_path / "sales.csv")

    async def go_to(target: Locator) -> None:
        """Press Tab until the control has the focus."""
        for _ in range(80):
            await page.keyboard.press("Tab")
            if await target.evaluate("(each) => each === document.activeElement"):
                return
        raise AssertionError(f"Tab does not reach {target}")

    await go_to(control(page, "group_by.add"))
    await page.keyboard.press("Enter")
    column = control(page, "group_by[0].column")
    await expect(column).to_be_focused()
    await page.keyboard.type("region")
    await expect(column).to_have_value('"region"')
    await go_to(control(page, "aggregates.add"))
    await page.keyboard.press("Enter")
    await expect(control(page, "aggregates[0].function")).to_be_focused()
    await go_to(control(page, "aggregates[0].column"))
    await page.keyboard.type("amount")
    await expect(control(page, "aggregates[0].column")).to_be_focused()
    # What is taken away leaves the focus nearby
    await go_to(control(page, "order_by.add"))
    await page.keyboard.press("Enter")
    await go_to(page.get_by_role("button", name="Do not sort by sum(amount)"))
    await page.keyboard.press("Enter")
    await expect(control(page, "order_by.add")).to_be_focused()
    await go_to(page.get_by_role("button", name="Start", exact=True))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/#/jobs/*")

    found = rows_of(await result(service, page.url.rpartition("/")[2]))
    assert {row["region"]: Decimal(row["sum(amount)"]) for row in found} == totals


async def test_a_suggestion_fills_the_question_and_back_undoes_it(
    page: Page, service: Service, tmp_path: Path
) -> None:
    sales(tmp_path / "sales.csv")
    await open_start(page, service)
    await give(page, tmp_path / "sales.csv")
    await page.get_by_role("button", name="Sum of amount by month of date").click()
    monthly = {
        "group_by": [{"column": "date", "truncate": "month"}],
        "aggregates": [{"function": "sum", "column": "amount"}],
    }
    assert await question(page) == monthly
    await page.get_by_role("button", name="Top 10 region by amount").click()
    assert (await question(page))["limit"] == 10
    await page.go_back()
    await expect(control(page, "group_by[0].how")).to_have_value("truncate:month")
    assert await question(page) == monthly
    await page.go_back()
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    await expect(page.get_by_text("sales.csv")).to_be_visible()


async def test_a_wrong_reading_is_corrected_and_read_again(
    page: Page, service: Service, tmp_path: Path
) -> None:
    german_sales(tmp_path / "umsatz.csv")
    await open_start(page, service)
    await give(page, tmp_path / "umsatz.csv")
    await expect(column_heads(page).nth(1)).to_contain_text("Straße")
    await expect(column_heads(page).nth(2)).to_have_text("Betrag" + "text")
    await expect(page.get_by_text("One thing to check")).to_be_visible()

    await page.get_by_role("button", name="Decimals: Comma: 1,5").click()

    await expect(column_heads(page).nth(2)).to_have_text("Betrag" + "number")
    await expect(page.get_by_text("One thing to check")).to_be_hidden()
    await control(page, "input.encoding").select_option("Windows-1251 (Cyrillic)")
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
    await open_start(page, service)
    await give(page, path)
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
    await open_start(page, service)
    await give(page, tmp_path / "numbers.csv")
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
    await open_start(page, service)
    await give(page, tmp_path / "bad.csv")
    await expect(page.locator(".ask-messages .notice-bad")).to_contain_text("cannot be read")
    await expect(page.locator(".ask-messages .notice-bad")).to_contain_text(message)
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_hidden()
    await page.get_by_role("button", name="Remove bad.csv").click()
    await expect(page.get_by_role("button", name="Choose files")).to_be_visible()


async def test_malformed_rows_are_shown_with_their_lines(
    page: Page, service: Service, tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n3\n4,5,6\n7,8\n")
    await open_start(page, service)
    await give(page, tmp_path / "bad.csv")
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
    await open_start(page, service)
    await give(page, packed)
    await page.get_by_text("More about the file").click()
    compression = control(page, "input.compression").locator("option:checked")
    await expect(compression).to_have_text("Found: gzip")
    await expect(column_heads(page)).to_have_count(5)


async def test_hostile_names_and_cells_are_text(
    page: Page, service: Service, tmp_path: Path
) -> None:
    path = tmp_path / HOSTILE_NAME
    hostile(path)
    await open_start(page, service)
    await drop(page.locator("main"), path)
    await expect(page.locator(".home-name")).to_have_text(HOSTILE_NAME)
    await expect(column_heads(page).first).to_contain_text("<b>name</b>")
    await page.get_by_role("button", name="Show 6 rows").click()
    shown = await page.locator(".ask-table tbody td:nth-child(2)").all_text_contents()
    assert shown == [text if len(text) <= 100 else f"{text[:100]}..." for text in HOSTILE_CELLS]
    await page.get_by_role("button", name="Sum of value by <b>name</b>").click()
    assert (await question(page))["group_by"] == ["<b>name</b>"]
    await page.get_by_role("tab", name="Command line").click()
    await expect(page.locator("#ask-spec")).to_contain_text("<img src=x onerror=alert(1)>")
    found = rows_of(await result(service, await start_and_open_job(page)))
    assert sorted(row["<b>name</b>"] for row in found) == sorted(HOSTILE_CELLS)


async def test_the_question_of_a_url_is_applied_to_the_file_that_is_dropped(
    page: Page, service: Service, tmp_path: Path
) -> None:
    totals = sales(tmp_path / "sales.csv")
    fragment = (
        "#/?q=(group_by:!(region),aggregates:!((function:sum,column:amount)),"
        "where:(column:units,op:'%3E',value:0))"
    )
    await open_start(page, service, fragment)
    await expect(page.get_by_text("A question is waiting")).to_be_visible()
    await give(page, tmp_path / "sales.csv")
    await expect(control(page, "group_by[0].column")).to_have_value('"region"')
    await expect(control(page, "where.and[0].value")).to_have_value("0")
    await control(page, "aggregates[0].name").evaluate("(each) => each.closest('details').open = 1")
    await control(page, "aggregates[0].name").fill("All amounts")
    await page.wait_for_url(lambda url: "name:'All amounts'" in unquote_plus(url))
    # The address is that of the question, for another tab
    other = await page.context.new_page()
    await open_start(other, service, page.url.partition("/#")[2].join(("#", "")))
    await give(other, tmp_path / "sales.csv")
    assert await question(other) == await question(page)
    found = rows_of(await result(service, await start_and_open_job(page)))
    assert {row["region"]: Decimal(row["All amounts"]) for row in found} == totals


async def test_a_url_that_cannot_be_read_is_no_question(
    page: Page, service: Service, tmp_path: Path
) -> None:
    sales(tmp_path / "sales.csv")
    await open_start(page, service, "#/?q=(group_by:")
    await give(page, tmp_path / "sales.csv")
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()


async def test_what_does_not_fit_is_shown_at_its_control(
    page: Page, service: Service, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("status of 400")
    sales(tmp_path / "sales.csv")
    await open_start(page, service, "#/?q=(group_by:!(regoin),aggregates:!((function:count)))")
    await give(page, tmp_path / "sales.csv")
    column = control(page, "group_by[0].column")
    await expect(column).to_have_attribute("aria-invalid", "true")
    error = page.locator(".field-error")
    await expect(error).to_contain_text("did you mean 'region'?")
    await expect(column).to_have_attribute("aria-describedby", "ask-error")
    start = page.get_by_role("button", name="Start", exact=True)
    await expect(start).to_be_disabled()
    await column.select_option("region")
    await expect(error).to_have_count(0)
    await expect(start).to_be_enabled()
    await control(page, "limit").fill("none")
    await expect(control(page, "limit")).to_have_attribute("aria-invalid", "true")
    await control(page, "limit").fill("3")
    await control(page, "where.add").click()
    await control(page, "where.and[0].column").select_option("units")
    await control(page, "where.and[0].value").fill("many")
    await expect(control(page, "where.and[0].value")).to_have_attribute("aria-invalid", "true")
    await control(page, "where.and[0].value").fill("5")
    await expect(error).to_have_count(0)
    await page.get_by_text("More about the file").click()
    await control(page, "input.date").fill("%d")
    await expect(control(page, "input.date")).to_have_attribute("aria-invalid", "true")


async def test_files_with_the_same_columns_get_the_same_question(
    page: Page, service: Service, tmp_path: Path
) -> None:
    first, second = sales(tmp_path / "a.csv", rows=300), sales(tmp_path / "b.csv", rows=500)
    plays(tmp_path / "plays.csv")
    await open_start(page, service)
    await give(page, tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "plays.csv")
    await expect(page.get_by_text("2 files with the same columns")).to_be_visible()
    await page.get_by_role("button", name="Sum of amount by region").click()
    await page.get_by_role("button", name="Start for 2 files").click()
    # The file with other columns is left
    await expect(page.locator(".home-name")).to_have_text(["plays.csv"])
    async with service.client() as client:
        found: dict[str, str] = {}
        while len(found) < 2:
            found = {job.filename: job.id async for job in client.jobs()}
    for name, totals in (("a.csv", first), ("b.csv", second)):
        rows = rows_of(await result(service, found[name]))
        assert {row["region"]: Decimal(row["sum(amount)"]) for row in rows} == totals


async def test_a_correction_is_for_all_files_with_the_same_columns(
    page: Page, service: Service, tmp_path: Path
) -> None:
    for name in ("a.csv", "b.csv"):
        german_sales(tmp_path / name)
    await open_start(page, service)
    await give(page, tmp_path / "a.csv", tmp_path / "b.csv")
    await expect(page.get_by_text("2 files with the same columns")).to_be_visible()
    await control(page, "input.decimal").select_option("Comma: 1,5")
    await page.get_by_role("button", name="Sum of Betrag by Straße").click()
    await page.get_by_role("button", name="Start for 2 files").click()
    await page.wait_for_url("**/#/jobs")
    async with service.client() as client:
        jobs: list[str] = []
        while len(jobs) < 2:
            jobs = [job.id async for job in client.jobs()]
    found = [rows_of(await result(service, job)) for job in jobs]
    assert found[0] == found[1]
    assert Decimal(found[0][0]["sum(Betrag)"]) > 0


async def test_many_files_are_read_one_after_the_other(
    page: Page, service: Service, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.csv" for number in range(24)]
    for path in paths:
        sales(path, rows=20)
    await open_start(page, service)
    await give(page, *paths)
    await expect(page.get_by_text("24 files with the same columns")).to_be_visible()
    await page.get_by_role("button", name="Number of rows by region").click()
    await expect(page.get_by_role("button", name="Start for 24 files")).to_be_enabled()


async def test_the_last_correction_counts_though_an_earlier_one_is_answered_later(
    page: Page, service: Service, tmp_path: Path
) -> None:
    german_sales(tmp_path / "umsatz.csv")
    await open_start(page, service)
    await give(page, tmp_path / "umsatz.csv")
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


async def test_a_file_is_read_when_the_connection_is_back(
    page: Page, service: Service, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED")
    sales(tmp_path / "sales.csv")
    await open_start(page, service)
    await give(page, tmp_path / "sales.csv")
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
    await open_start(page, service)
    await give(page, path)
    path.unlink()
    await page.get_by_role("button", name="Sum of amount by region").click()
    await expect(page.get_by_text("The file cannot be read any more")).to_be_visible()


async def test_the_sample_file_shows_the_way_without_a_file(page: Page, service: Service) -> None:
    await open_start(page, service)
    await page.get_by_role("button", name="Try it with a sample file").click()
    await expect(column_heads(page)).to_have_count(6)
    await page.get_by_role("button", name="Sum of amount by region").click()
    found = rows_of(await result(service, await start_and_open_job(page)))
    assert len(found) == 4


async def test_the_question_is_kept_while_another_view_is_shown(
    page: Page, service: Service, tmp_path: Path
) -> None:
    sales(tmp_path / "sales.csv")
    await open_start(page, service)
    await give(page, tmp_path / "sales.csv")
    await page.get_by_role("button", name="Sum of amount by region").click()
    asked = await question(page)
    await page.get_by_role("link", name="Jobs").first.click()
    await page.wait_for_url("**/#/jobs")
    await page.go_back()
    assert await question(page) == asked
    await expect(page.locator(".home-name")).to_have_text("sales.csv")


@pytest.mark.parametrize("state", ["asked", "song-plays", "malformed", "unreadable"])
async def test_the_question_is_accessible_and_fits_a_phone(
    page: Page, service: Service, tmp_path: Path, watch: Watch, state: str
) -> None:
    watch.allow("status of 400")  # of the error that is shown
    path = tmp_path / "file.csv"
    if state == "asked":
        sales(path)
    elif state == "song-plays":
        plays(path)
    else:
        content = b"a;b\n1,5;2\n3\n4;5;6\n" if state == "malformed" else PNG
        path.write_bytes(content)
    await open_start(page, service)
    await give(page, path)
    if state == "asked":
        await page.get_by_role("button", name="Sum of amount by region").click()
        await page.get_by_text("More about the file").click()
        await control(page, "where.add").click()
        await control(page, "where.and[0].value").fill("North")
        await control(page, "where.nest").click()
        await control(page, "aggregates.count").click()
        await control(page, "aggregates[1].function").select_option("Percentile")
        await page.locator(".ask-more summary").first.click()
        await control(page, "limit").fill("none")
        await expect(page.locator(".field-error")).to_be_visible()
    await axe(page)
    await page.set_viewport_size({"width": 320, "height": 700})
    assert await scrolls_sideways(page) == []
    await axe(page)
