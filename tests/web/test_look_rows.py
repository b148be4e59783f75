"""The rows of a result: their order, their digits, and what is said if there are none."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.web.accessibility import axe
from tests.web.looking import cells, job_of, look_at, places, result_of, sort_button

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.conftest import StartService
    from tests.web.service import Service
    from tests.web.watch import Watch


async def test_a_large_result_is_sorted_and_drawn_by_the_server(
    page: Page, service: Service, watch: Watch, tmp_path: Path
) -> None:
    made = (
        (f"song {n}", f"2026-{n % 12 + 1:02d}-01", n * 7919 % 1_000_003) for n in range(300_000)
    )
    content = "".join(f"{song},{date},{count}\n" for song, date, count in made)
    spec = {"group_by": ["song", "date"], "aggregates": [{"function": "sum", "column": "n"}]}
    job_id = await job_of(service, tmp_path, f"song,date,n\n{content}", spec)
    rows = await result_of(service, job_id, tmp_path)
    assert len(rows) == 300_000
    look = await look_at(page, service, job_id)

    await expect(look.locator(".look-heading")).to_contain_text("300,000 rows, 3 columns")
    await expect(look.locator(".look-status")).to_have_text("The first 100 of 300,000 rows.")
    assert await cells(look) == rows[:100]

    # Stable, as the order of the result decides between equal rows
    largest = sorted(rows, key=lambda row: int(row[2]), reverse=True)
    await look.get_by_text("Bars", exact=True).click()
    await expect(look.locator(".chart-place")).to_have_count(20)
    assert await places(look) == [
        f"{song} · {date}: sum(n) {count}" for song, date, count in largest[:20]
    ]
    await expect(look.locator("figcaption .hint")).to_have_text(
        "The 20 rows with the largest sum(n), of 300,000 rows."
    )

    header = look.get_by_role("columnheader", name="sum(n)")
    await sort_button(look, "sum(n)").click()
    await expect(header).to_have_attribute("aria-sort", "descending")
    await expect(look.locator(".look-status")).to_have_text(
        "The first 100 of 300,000 rows by sum(n), largest first."
    )
    assert await cells(look) == largest[:100]
    await sort_button(look, "sum(n)").click()
    await expect(header).to_have_attribute("aria-sort", "ascending")
    await expect(look.locator("[aria-busy]")).to_have_count(0)
    smallest = sorted(rows, key=lambda row: int(row[2]))
    assert await cells(look) == smallest[:100]
    for shown in range(200, 1001, 100):
        await look.get_by_role("button", name="Show 100 more").click()
        await expect(look.locator(".look-table tbody tr")).to_have_count(shown)
    assert await cells(look) == smallest[:1000]
    await expect(look.locator(".look-table")).to_contain_text("The page shows at most 1,000 rows.")
    await sort_button(look, "sum(n)").click()
    await expect(header).to_have_attribute("aria-sort", "none")
    await expect(look.locator("[aria-busy]")).to_have_count(0)
    assert await cells(look) == rows[:100]
    # The result itself was never loaded
    assert not [each for each in watch.requests if re.match("GET .*/result", each)]


async def test_a_result_that_is_too_large_to_sort_says_what_to_do(
    page: Page, start_service: StartService, tmp_path: Path, watch: Watch
) -> None:
    service = await start_service(max_sort_size=100)
    content = "id,n\n" + "".join(f"{n},{n % 977}\n" for n in range(2000))
    spec = {"group_by": ["id"], "aggregates": [{"function": "sum", "column": "n"}]}
    job_id = await job_of(service, tmp_path, content, spec)
    watch.expect("409")
    look = await look_at(page, service, job_id)
    await expect(look.locator("figcaption .hint").first).to_have_text(
        "Only from the first 1,000 of 2,000 rows, as the result is too large to be sorted here."
    )
    await sort_button(look, "sum(n)").click()
    alert = look.get_by_role("alert")
    await expect(alert).to_contain_text("The result cannot be sorted here")
    await expect(alert).to_contain_text('"order_by" and "limit" in its aggregation')
    await expect(look.locator(".look-status")).to_have_text("The first 100 of 2,000 rows.")
    await axe(page)


async def test_numbers_are_shown_with_all_their_digits(
    page: Page, service: Service, tmp_path: Path
) -> None:
    values = {
        "deficit": "-123456789012345678901234567890.12",
        "surplus": "987654321098765432109876543210.55",
        "small": "0.000000000000000000000000000001",
        "half": "0.50",
        "none": "",
    }
    content = "name,v\n" + "".join(f"{name},{text}\n" for name, text in values.items())
    spec = {"group_by": ["name"], "aggregates": [{"function": "max", "column": "v"}]}
    job_id = await job_of(service, tmp_path, content, spec)
    rows = dict(await result_of(service, job_id, tmp_path))
    assert rows["surplus"] == values["surplus"]
    look = await look_at(page, service, job_id)
    assert await cells(look) == [[name, rows[name] or "no value"] for name in sorted(rows)]
    assert await places(look) == [
        f"{name}: max(v) {rows[name]}" for name in ("surplus", "half", "small", "deficit")
    ]
    await expect(look.locator("svg .chart-value").first).to_have_text(
        f"{Decimal(rows['surplus']):,}"
    )
    for name, kind in (("max(v)", "descending"), ("max(v)", "ascending")):
        await sort_button(look, name).click()
        await expect(look.get_by_role("columnheader", name=name)).to_have_attribute(
            "aria-sort", kind
        )
        order = sorted((n for n in rows if rows[n]), key=lambda n: Decimal(rows[n]))
        expected = order[::-1] if kind == "descending" else order
        assert [row[0] for row in await cells(look)] == [*expected, "none"]
    alignment = await look.locator("td.number").first.evaluate("e => getComputedStyle(e).textAlign")
    assert alignment == "right"


async def test_results_without_rows_and_of_one_row(
    page: Page, service: Service, tmp_path: Path
) -> None:
    content = "n\n5\n6\n"
    total = {"aggregates": [{"function": "sum", "column": "n"}, {"function": "avg", "column": "n"}]}
    look = await look_at(page, service, await job_of(service, tmp_path, content, total))
    assert (await look.locator("dl").inner_text()).split() == ["sum(n)", "11", "avg(n)", "5.5"]
    await expect(look.locator("figure, table")).to_have_count(0)
    await axe(page)

    none = {
        "group_by": ["n"],
        "aggregates": [{"function": "count"}],
        "where": {"column": "n", "op": ">", "value": "9", "type": "number"},
    }
    look = await look_at(page, service, await job_of(service, tmp_path, content, none))
    await expect(look).to_contain_text("The result has no rows")
    await axe(page)

    one = {"group_by": ["n"], "aggregates": [{"function": "count"}], "limit": 1}
    look = await look_at(page, service, await job_of(service, tmp_path, content, one))
    assert await cells(look) == [["5", "1"]]
    assert await places(look) == ["5: count 1"]
    await expect(look.locator(".look-status")).to_have_text("The only row.")


async def test_a_result_that_is_removed_meanwhile_says_so(
    page: Page, service: Service, tmp_path: Path, watch: Watch
) -> None:
    content = "n\n" + "".join(f"{n}\n" for n in range(1200))
    spec = {"group_by": ["n"], "aggregates": [{"function": "count"}]}
    job_id = await job_of(service, tmp_path, content, spec)
    look = await look_at(page, service, job_id)
    async with service.client() as client:
        await client.delete(job_id)
    watch.expect("410")
    await sort_button(look, "n").click()
    await expect(look.get_by_role("alert")).to_contain_text("expired and was deleted")
    # What was loaded stays
    await expect(look.locator(".look-status")).to_have_text("The first 100 of 1,200 rows.")
    await axe(page)


async def test_a_result_that_cannot_be_loaded_is_tried_again(
    page: Page, service: Service, tmp_path: Path, watch: Watch
) -> None:
    spec = {"group_by": ["n"], "aggregates": [{"function": "count"}]}
    job_id = await job_of(service, tmp_path, "n\n5\n6\n", spec)
    watch.expect("preview")
    await page.route("**/preview?*", lambda route: route.abort(), times=1)
    look = await look_at(page, service, job_id)
    await expect(look.get_by_role("alert")).to_contain_text("The result cannot be shown")
    await look.get_by_role("button", name="Try again").click()
    await expect(look.locator(".chart-place")).to_have_count(2)
    assert await cells(look) == [["5", "1"], ["6", "1"]]
