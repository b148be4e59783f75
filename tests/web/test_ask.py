"""A question is put together, kept in the URL, and judged."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

import pytest
from playwright.async_api import expect

from tests.web.accessibility import axe, scrolls_sideways
from tests.web.asking import (
    PNG,
    control,
    give,
    open_start,
    open_with,
    question,
    result,
    rows_of,
    start_and_open_job,
    unfold,
)
from tests.web.files import (
    plays,
    sales,
)

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Locator, Page

    from tests.web.service import Service
    from tests.web.watch import Watch


async def test_a_question_is_put_together_by_clicking(
    page: Page, service: Service, tmp_path: Path
) -> None:
    totals = sales(tmp_path / "sales.csv")
    await open_with(page, service, tmp_path / "sales.csv")
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
    await open_with(page, service, tmp_path / "sales.csv")

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
    await open_with(page, service, tmp_path / "sales.csv")
    await page.get_by_role("button", name="Sum of amount by month of date").click()
    monthly = {
        "group_by": [{"column": "date", "truncate": "month"}],
        "aggregates": [{"function": "sum", "column": "amount"}],
    }
    assert await question(page) == monthly
    await page.get_by_role("button", name="Top 10 of region by amount").click()
    assert (await question(page))["limit"] == 10
    await page.go_back()
    await expect(control(page, "group_by[0].how")).to_have_value("truncate:month")
    assert await question(page) == monthly
    await page.go_back()
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    await expect(page.get_by_text("sales.csv")).to_be_visible()


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
    await open_with(
        other, service, tmp_path / "sales.csv", fragment=f"#{page.url.partition('/#')[2]}"
    )
    assert await question(other) == await question(page)
    found = rows_of(await result(service, await start_and_open_job(page)))
    assert {row["region"]: Decimal(row["All amounts"]) for row in found} == totals


async def test_a_url_that_cannot_be_read_is_no_question(
    page: Page, service: Service, tmp_path: Path
) -> None:
    sales(tmp_path / "sales.csv")
    await open_with(page, service, tmp_path / "sales.csv", fragment="#/?q=(group_by:")
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()


async def test_what_does_not_fit_is_shown_at_its_control(
    page: Page, service: Service, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("status of 400")
    sales(tmp_path / "sales.csv")
    fragment = "#/?q=(group_by:!(regoin),aggregates:!((function:count)))"
    await open_with(page, service, tmp_path / "sales.csv", fragment=fragment)
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
    await unfold(page)
    await page.get_by_text("More about the file").click()
    await control(page, "input.date").fill("%d")
    await expect(control(page, "input.date")).to_have_attribute("aria-invalid", "true")


async def test_the_question_is_kept_while_another_view_is_shown(
    page: Page, service: Service, tmp_path: Path
) -> None:
    sales(tmp_path / "sales.csv")
    await open_with(page, service, tmp_path / "sales.csv")
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
    await open_with(page, service, path)
    if state == "asked":
        await page.get_by_role("button", name="Sum of amount by region").click()
        await unfold(page)
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
