"""The whole way of a file: dropped, asked about, sent, watched, looked at and downloaded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.conftest import new_database, new_vhost
from tests.e2e.conftest import Services
from tests.web.accessibility import axe, scrolls_sideways
from tests.web.files import HOSTILE_NAME, hostile, plays, sales
from tests.web.gestures import drop, refuse_pickers
from tests.web.prefix import Prefixed
from tests.web.uploading import ChunkGate, row_of
from tests.web.way import (
    SUGGESTION,
    ask_for_totals,
    download,
    see_result,
    take_suggestion_and_start,
    totals_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import BrowserContext, Page

    from tests.web.conftest import OpenContext, StartService
    from tests.web.service import Service
    from tests.web.watch import Watch

MOST_TABS = 120
FOCUSED = """() => {
    const at = document.activeElement;
    const style = getComputedStyle(at);
    return {
        name: (at.getAttribute("aria-label") ?? at.textContent ?? "").trim(),
        // A place of a chart shows it by the outline of a child.
        seen: style.outlineStyle !== "none" || style.boxShadow !== "none"
            || [...at.children].some((each) => getComputedStyle(each).stroke !== "none"),
        tag: at.tagName,
    };
}"""


async def tab_to(page: Page, name: str) -> None:
    """Press the tab key until the control of this name has the focus, which must be visible."""
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        if focused["tag"] != "BODY":
            assert focused["seen"], f"the focus on {focused} cannot be seen"
        if focused["name"].startswith(name):
            return
    pytest.fail(f"the keyboard does not reach {name!r}")


async def test_by_mouse(page: Page, service: Service, tmp_path: Path) -> None:
    totals = sales(tmp_path / "sales.csv")
    await page.goto(service.url)
    await drop(page.locator("csv-home"), tmp_path / "sales.csv")
    await take_suggestion_and_start(page)
    await see_result(page, totals)
    assert totals_of(await download(page)) == totals


async def test_song_plays_need_no_question(page: Page, service: Service, tmp_path: Path) -> None:
    expected = plays(tmp_path / "plays.csv")
    await page.goto(service.url)
    await drop(page.locator("csv-home"), tmp_path / "plays.csv")
    await page.get_by_role("button", name="Sum plays by song and date").click()
    await expect(page.locator("csv-look table:visible").first).to_be_visible()
    assert await download(page) == expected


async def test_by_keyboard_alone(page: Page, service: Service, tmp_path: Path) -> None:
    totals = sales(tmp_path / "sales.csv")
    await refuse_pickers(page)  # whose dialog a test cannot operate
    await page.goto(service.url)
    await expect(page.get_by_role("button", name="Choose files")).to_be_visible()
    await tab_to(page, "Choose files")
    async with page.expect_file_chooser() as opened:
        await page.keyboard.press("Enter")
    await (await opened.value).set_files(tmp_path / "sales.csv")
    await expect(page.get_by_role("button", name=SUGGESTION)).to_be_visible()
    await tab_to(page, SUGGESTION)
    await page.keyboard.press("Enter")
    await tab_to(page, "Start")
    await page.keyboard.press("Enter")
    await see_result(page, totals)
    async with page.expect_download() as coming:
        await tab_to(page, "Download")
        await page.keyboard.press("Enter")
    path = await (await coming.value).path()
    assert totals_of(await asyncio.to_thread(path.read_bytes)) == totals


async def test_on_a_phone(open_context: OpenContext, service: Service, tmp_path: Path) -> None:
    totals = sales(tmp_path / "sales.csv")
    phone = await open_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = await phone.new_page()
    await refuse_pickers(page)  # which phones do not have
    await page.goto(service.url)
    async with page.expect_file_chooser() as opened:
        await page.get_by_role("button", name="Choose files").tap()
    await (await opened.value).set_files(tmp_path / "sales.csv")
    await page.get_by_role("button", name=SUGGESTION).tap()
    assert await scrolls_sideways(page) == []
    await page.get_by_role("button", name="Start", exact=True).tap()
    await see_result(page, totals)
    assert await scrolls_sideways(page) == []
    assert totals_of(await download(page)) == totals


async def test_with_a_key_that_is_in_no_address_and_not_kept(
    page: Page, start_service: StartService, watch: Watch, tmp_path: Path
) -> None:
    service = await start_service(auth="keys")
    key = await service.create_key()
    totals = sales(tmp_path / "sales.csv")
    watch.expect("status of 401")
    await page.goto(service.url)
    await drop(page.locator("csv-home"), tmp_path / "sales.csv")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("API key").fill(key)
    await dialog.get_by_role("button", name="Use this key").click()
    await take_suggestion_and_start(page)
    await see_result(page, totals)
    assert totals_of(await download(page)) == totals

    secret = key.rpartition("_")[2]
    assert not [each for each in watch.requests if secret in each]
    stored = await page.evaluate("JSON.stringify([{...localStorage}, document.cookie])")
    assert secret not in stored
    assert secret in await page.evaluate("JSON.stringify({...sessionStorage})")
    other = await page.context.new_page()
    await other.goto(f"{service.url}#/jobs")
    await expect(other.get_by_role("dialog")).to_be_visible()


async def test_below_a_path(page: Page, service: Service, watch: Watch, tmp_path: Path) -> None:
    totals = sales(tmp_path / "sales.csv")
    async with Prefixed(tmp_path / "proxy", service.port) as proxy:
        watch.origins = {proxy.origin}
        await page.goto(proxy.url)
        await ask_for_totals(page, tmp_path / "sales.csv")
        await see_result(page, totals)
        assert totals_of(await download(page)) == totals
        assert not [each for each in watch.requests if proxy.url not in each and "http" in each]
        await page.context.close()


async def test_against_the_stack_of_services(
    page: Page, watch: Watch, pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    totals = sales(tmp_path / "sales.csv")
    with new_database(pytestconfig) as database, new_vhost(pytestconfig) as broker:
        stack = await asyncio.to_thread(Services, tmp_path, database, broker)
        try:
            watch.origins.add(stack.url)
            await page.goto(stack.url)
            await ask_for_totals(page, tmp_path / "sales.csv")
            await see_result(page, totals)
            assert totals_of(await download(page)) == totals
            await page.context.close()
        finally:
            await asyncio.to_thread(stack.kill)


async def test_the_service_is_killed_while_the_file_is_sent(
    context: BrowserContext, page: Page, own_service: Service, watch: Watch, tmp_path: Path
) -> None:
    file = tmp_path / "sales.csv"
    totals = sales(file, rows=20_000)
    gate = ChunkGate()
    await gate.attach(context)
    watch.allow("ERR_(CONNECTION|EMPTY|FAILED)|status of 50")
    await page.goto(own_service.url)
    await ask_for_totals(page, file)
    await gate.holds(1)
    await own_service.kill()
    await gate.open()
    await expect(row_of(page, file.name)).to_contain_text("Waiting for the service")
    await own_service.start()
    await see_result(page, totals)
    assert totals_of(await download(page)) == totals


async def test_two_tabs_show_the_same(page: Page, own_service: Service, tmp_path: Path) -> None:
    totals = sales(tmp_path / "sales.csv")
    other = await page.context.new_page()
    await page.goto(own_service.url)
    await other.goto(f"{own_service.url}#/jobs")
    await ask_for_totals(page, tmp_path / "sales.csv")
    await see_result(page, totals)
    await other.get_by_role("link", name="sales.csv").first.click()
    await see_result(other, totals)
    assert other.url == page.url


async def test_without_motion(open_context: OpenContext, service: Service, tmp_path: Path) -> None:
    totals = sales(tmp_path / "sales.csv")
    still = await open_context(reduced_motion="reduce")
    page = await still.new_page()
    moved: list[str] = []
    await page.expose_function("tellMotion", lambda what: moved.append(what))
    await page.add_init_script(
        """for (const kind of ["animationstart", "transitionrun"])
            addEventListener(kind, (event) => {
                const [longest] = event.target.getAnimations()
                    .map((each) => each.effect.getComputedTiming().duration)
                    .sort((one, other) => other - one);
                if (longest > 1) window.tellMotion(`${kind} ${event.target.outerHTML}`);
            }, true);"""
    )
    await page.goto(service.url)
    await ask_for_totals(page, tmp_path / "sales.csv")
    await see_result(page, totals)
    assert moved == []


async def test_hostile_names_and_cells_are_text_everywhere(
    page: Page, service: Service, tmp_path: Path
) -> None:
    file = tmp_path / HOSTILE_NAME
    hostile(file)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await page.goto(service.url)
    await drop(page.locator("csv-home"), file)
    await expect(page.locator("csv-ask")).to_contain_text("<script>alert(1)</script>")
    await axe(page)
    assert await page.locator("main script, main img").count() == 0
    await page.get_by_role("button", name="Sum of value by <b>name</b>").click()
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.locator("csv-look")).to_contain_text("<script>alert(1)</script>")
    await expect(page.locator("csv-look")).to_contain_text("{{7*7}}")
    assert await page.locator("main script, main img").count() == 0
    assert await page.locator("main b:text-is('name')").count() == 0
    await axe(page)
    await page.set_viewport_size({"width": 320, "height": 640})
    assert await scrolls_sideways(page) == []
    await page.goto(f"{service.url}#/jobs")
    await expect(page.locator("csv-jobs")).to_contain_text("onerror=alert(1)")
    assert await page.locator("main img").count() == 0
    assert await scrolls_sideways(page) == []
    assert dialogs == []
