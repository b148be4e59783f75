"""Several files with one question get one job."""

from __future__ import annotations

from collections import Counter, defaultdict
from csv import DictReader
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest_asyncio
from playwright.async_api import expect

from shared.jobs.job import SONG_PLAYS
from tests.oracle import expected_result
from tests.web.accessibility import axe
from tests.web.asking import control, open_with, question, result, rows_of
from tests.web.files import plays, sales
from tests.web.gestures import choose, refuse_pickers
from tests.web.uploading import ChunkGate, job_of, row_of

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.service import Service
    from tests.web.watch import Watch


@pytest_asyncio.fixture(loop_scope="session")
async def gate(page: Page) -> ChunkGate:
    """Holds the chunks of the page."""
    gate = ChunkGate()
    await gate.attach(page)
    return gate


async def jobs_of(service: Service) -> list[dict[str, Any]]:
    url = f"{service.url}api/v1/jobs"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        found: list[dict[str, Any]] = (await response.json())["jobs"]
    return found


async def start_together(page: Page, name: str = "Start for 2 files") -> None:
    await page.get_by_role("button", name="Sum of amount by region").click()
    await page.get_by_label("One result from all files").check()
    await page.get_by_role("button", name=name).click()


async def one_arrives(page: Page, gate: ChunkGate) -> tuple[str, str]:
    """Let one of two files arrive; return its name, and that of the other one."""
    await gate.holds(2)
    await gate.let(1)
    arrived = page.locator("csv-uploads li").filter(has_text="waits for the others")
    await expect(arrived).to_have_count(1)
    name = await arrived.locator(".upload-name").inner_text()
    return name, {"a.csv": "b.csv", "b.csv": "a.csv"}[name]


async def test_several_files_have_one_result(
    page: Page, own_service: Service, tmp_path: Path
) -> None:
    first, second = sales(tmp_path / "a.csv", rows=300), sales(tmp_path / "b.csv", rows=500)
    await open_with(page, own_service, tmp_path / "a.csv", tmp_path / "b.csv")
    await expect(page.get_by_text("2 files with the same columns")).to_be_visible()
    await axe(page)
    await start_together(page)
    await page.wait_for_url("**/#/jobs/*")
    found = rows_of(await result(own_service, page.url.rpartition("/")[2]))
    total = Counter(first) + Counter(second)
    assert {row["region"]: Decimal(row["sum(amount)"]) for row in found} == dict(total)
    (job,) = await jobs_of(own_service)
    assert [each["name"] for each in job["inputs"]] == ["a.csv", "b.csv"]
    await page.get_by_text("From 2 files").click()
    await expect(page.get_by_role("list", name="Files")).to_contain_text("b.csv")
    # Another question is about both.
    await page.get_by_role("button", name="Ask another question").click()
    await expect(page.get_by_role("list", name="The files")).to_contain_text("b.csv")


async def test_files_with_other_columns_have_one_result_that_names_the_files(
    page: Page, own_service: Service, tmp_path: Path
) -> None:
    sales(tmp_path / "a.csv", rows=300)
    (tmp_path / "b.csv").write_text(
        "region,amount,clerk\nNorth,1.50,Ada\nSouth,2,Bo\nNorth,4,Ada\n"
    )
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as text:
        first = [("a.csv", row["product"], Decimal(row["amount"])) for row in DictReader(text)]
    # `b.csv` has no products.
    records = [*first, *(("b.csv", "", Decimal(amount)) for amount in ("1.50", "2", "4"))]
    totals: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for file, product, amount in records:
        totals[file, product] += amount
    clerks = {"Ada": Decimal("5.50"), "Bo": Decimal(2)}  # of `b.csv` alone
    clerks[""] = sum((amount for _, _, amount in first), Decimal(0))

    await open_with(page, own_service, tmp_path / "a.csv", tmp_path / "b.csv")
    await expect(page.locator(".home-differs")).to_have_text(
        "also has “clerk”; lacks “date”, “product”, “units”"
    )
    await page.get_by_role("button", name="Sum of amount by region").click()
    columns = control(page, "group_by[0].column")
    assert "@file" not in await columns.inner_text()
    assert "clerk" not in await columns.inner_text()
    await columns.select_option("product")
    unite = page.get_by_role("button", name="Ask about all 2 files together")
    await unite.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("One result from 2 files")).to_be_visible()
    await expect(columns).to_contain_text("clerk (of another file)")
    await expect(
        page.get_by_role("button", name="Only files with the same columns")
    ).to_be_focused()
    await axe(page)
    await (
        page.locator("fieldset")
        .filter(has_text="Group by")
        .get_by_role("button", name="Column")
        .click()
    )
    await control(page, "group_by[1].column").select_option("Name of the file (@file)")
    asked = await question(page)
    assert asked["input"] == {"columns": "union"}
    assert asked["group_by"] == ["product", "@file"]
    await page.get_by_role("button", name="Start for 2 files").click()
    await page.wait_for_url("**/#/jobs/*")
    found = rows_of(await result(own_service, page.url.rpartition("/")[2]))
    assert {(row["@file"], row["product"]): Decimal(row["sum(amount)"]) for row in found} == dict(
        totals
    )
    (job,) = await jobs_of(own_service)
    assert [each["name"] for each in job["inputs"]] == ["a.csv", "b.csv"]

    # Another question about both has the columns of both.
    await page.get_by_role("button", name="Ask another question").click()
    await page.get_by_role("button", name="Sum of amount by region").click()
    await control(page, "group_by[0].column").select_option("clerk (of another file)")
    await expect(page.get_by_text("no column has this name")).to_have_count(0)
    await axe(page)
    await page.get_by_role("button", name="Start", exact=True).click()
    await page.wait_for_url(lambda url: "#/jobs/" in url and job["id"] not in url)
    found = rows_of(await result(own_service, page.url.rpartition("/")[2]))
    assert {row["clerk"]: Decimal(row["sum(amount)"]) for row in found} == clerks


async def test_song_plays_of_several_files_are_summed_with_one_click(
    page: Page, service: Service, tmp_path: Path
) -> None:
    plays(tmp_path / "march.csv", rows=900)
    plays(tmp_path / "april.csv", rows=700)
    march, april = ((tmp_path / f"{name}.csv").read_bytes() for name in ("march", "april"))
    await open_with(page, service, tmp_path / "march.csv", tmp_path / "april.csv")
    await expect(page.get_by_text("2 files with the same columns")).to_be_visible()
    await page.get_by_role("button", name="Sum plays of 2 files").click()
    await page.wait_for_url("**/#/jobs/*")
    both = march + april.partition(b"\n")[2]
    found = await result(service, page.url.rpartition("/")[2])
    assert found == expected_result(SONG_PLAYS, both).result


async def test_a_job_of_several_files_survives_a_reload(
    page: Page, own_service: Service, tmp_path: Path, gate: ChunkGate
) -> None:
    first, second = sales(tmp_path / "a.csv", rows=300), sales(tmp_path / "b.csv", rows=500)
    await refuse_pickers(page)
    await open_with(page, own_service, tmp_path / "a.csv", tmp_path / "b.csv")
    await expect(page.get_by_text("2 files with the same columns")).to_be_visible()
    await start_together(page)
    there, missing = await one_arrives(page, gate)
    assert await jobs_of(own_service) == []

    await page.reload()
    gate.forget()
    await gate.open()
    await expect(row_of(page, there)).to_contain_text("waits for the others")
    row = row_of(page, missing)
    await choose(row.get_by_role("button", name="Choose the file"), tmp_path / missing)
    job = await job_of(row)
    assert await job_of(row_of(page, there)) == job
    found = rows_of(await result(own_service, job))
    total = Counter(first) + Counter(second)
    assert {each["region"]: Decimal(each["sum(amount)"]) for each in found} == dict(total)
    assert len(await jobs_of(own_service)) == 1


async def test_a_file_that_is_cancelled_is_not_waited_for(
    page: Page, service: Service, tmp_path: Path, gate: ChunkGate
) -> None:
    totals = {
        "a.csv": sales(tmp_path / "a.csv", rows=300),
        "b.csv": sales(tmp_path / "b.csv", rows=500),
    }
    await open_with(page, service, tmp_path / "a.csv", tmp_path / "b.csv")
    await expect(page.get_by_text("2 files with the same columns")).to_be_visible()
    await start_together(page)
    there, missing = await one_arrives(page, gate)
    await page.get_by_role("button", name=f"Cancel: {missing}").click()
    await page.wait_for_url("**/#/jobs/*")
    found = rows_of(await result(service, page.url.rpartition("/")[2]))
    assert {each["region"]: Decimal(each["sum(amount)"]) for each in found} == totals[there]


async def test_a_job_that_is_refused_is_told_at_its_files(
    page: Page, own_service: Service, tmp_path: Path, gate: ChunkGate, watch: Watch
) -> None:
    watch.allow("status of 4")
    sales(tmp_path / "a.csv", rows=300)
    sales(tmp_path / "b.csv", rows=500)
    await open_with(page, own_service, tmp_path / "a.csv", tmp_path / "b.csv")
    await expect(page.get_by_text("2 files with the same columns")).to_be_visible()
    await start_together(page)
    there, _ = await one_arrives(page, gate)
    upload = await row_of(page, there).get_attribute("data-id")
    url = f"{own_service.url}api/v1/uploads/{upload}"
    async with aiohttp.ClientSession() as session, session.delete(url) as response:
        assert response.status == 204
    await gate.open()
    for name in ("a.csv", "b.csv"):
        await expect(row_of(page, name)).to_contain_text("Failed")
    assert await jobs_of(own_service) == []
