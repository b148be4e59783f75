"""The frame of the page: navigation, themes, keys, lost connections, a place behind a proxy."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.web.accessibility import axe, scrolls_sideways
from tests.web.prefix import PREFIX, Prefixed
from tests.web.service import Service
from tests.web.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import BrowserContext, Page

    from tests.web.conftest import OpenContext
    from tests.web.watch import Watch

REFUSED = "status of 401"
REFERENCE_DRAWN = 60_000
"""Milliseconds in which the API reference has to be drawn, on a busy machine too."""
AWAY = "ERR_CONNECTION_REFUSED"
ASK = """async () => {
    const app = document.querySelector("script[type=module]").src;
    const { callJson } = await import(new URL("api/client.js", app));
    return callJson("GET", "api/v1/jobs").then(({ jobs }) => jobs.length, ({ title }) => title);
}"""
"""Sends a request as every part of the page does; returns the number of jobs, or the error."""


async def opened(page: Page, url: str) -> None:
    """Open the page, and wait for its view."""
    await page.goto(url)
    await expect(page.locator("main h1")).to_be_visible()


# Loading


async def test_the_page_and_its_files_are_not_taken_for_something_else(service: Service) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(service.url) as response:
            html = await response.text()
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        for name in set(re.findall(r'(?:src|href)="(page/[^"]+)"', html)):
            async with session.get(service.url + name) as response:
                assert response.status == 200
                assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_page_whose_modules_cannot_be_loaded_says_so(
    page: Page, service: Service, watch: Watch
) -> None:
    watch.expect("ERR_FAILED")
    await page.route("**/start.js", lambda route: route.abort())
    await page.goto(service.url)
    await expect(page.get_by_role("heading", name="could not be loaded")).to_be_visible()
    await page.unroute("**/start.js")
    await page.get_by_role("link", name="Try again").click()
    await expect(page.get_by_role("navigation")).to_be_visible()


async def test_a_view_that_cannot_be_loaded_says_so_and_the_rest_stays(
    page: Page, service: Service, watch: Watch
) -> None:
    watch.expect("ERR_FAILED")
    await opened(page, service.url)
    await page.route("**/jobs/list_view.js", lambda route: route.abort())
    await page.get_by_role("link", name="Jobs").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("This view could not be loaded")
    await axe(page)
    await page.get_by_role("link", name="Help").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Help")
    await page.get_by_role("link", name="Jobs").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("This view could not be loaded")
    await page.unroute("**/jobs/list_view.js")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")


async def test_without_javascript_the_page_says_that_it_needs_it(
    open_context: OpenContext, service: Service
) -> None:
    page = await (await open_context(java_script_enabled=False)).new_page()
    await page.goto(service.url)
    await expect(page.locator("noscript h1")).to_have_text("This page needs JavaScript")
    await expect(page.locator("noscript h1")).to_be_visible()
    await expect(page.locator(".spinner")).to_be_hidden()


async def test_no_text_becomes_html_and_no_address_a_script(page: Page, service: Service) -> None:
    await opened(page, service.url)
    shown = await page.evaluate(
        """async () => {
            const app = document.querySelector("script[type=module]").src;
            const { h } = await import(new URL("core/element.js", app));
            const refused = (make) => { try { make(); return false; } catch { return true; } };
            const text = "<img src=x onerror=alert(1)>";
            return [
                h("p", { title: text }, text, [text, null, 0]).outerHTML,
                refused(() => h("a", { href: " javascript:alert(1)" })),
                refused(() => h("p", { onclick: "alert(1)" })),
                h("a", { href: "#/jobs" }).getAttribute("href"),
            ];
        }"""
    )
    html, *others = shown
    assert html.count("img src=x") == 3
    assert "<img" not in html.replace('title="<img', "")
    assert others == [True, True, "#/jobs"]


# Navigation


async def test_navigation_marks_the_view_names_the_tab_and_moves_the_focus(
    page: Page, service: Service
) -> None:
    await opened(page, service.url)
    nav = page.get_by_role("navigation")
    assert await page.title() == "csvmill"
    # A view may announce more at once: what was announced is kept.
    await page.evaluate(
        """() => {
            window.said = new Set();
            const region = document.getElementById("announcer");
            new MutationObserver(() => window.said.add(region.textContent))
                .observe(region, {childList: true});
        }"""
    )
    for name in ("Jobs", "Help"):
        await nav.get_by_role("link", name=name).focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_be_focused()
        await expect(nav.locator("[aria-current=page]")).to_have_text(name)
        await expect(page).to_have_title(f"{name} · csvmill")
        await wait_until(page, f"window.said.has('{name}')")
    await page.go_back()
    await expect(nav.locator("[aria-current=page]")).to_have_text("Jobs")
    await page.reload()
    await expect(nav.locator("[aria-current=page]")).to_have_text("Jobs")


async def test_the_first_thing_that_the_keyboard_reaches_skips_the_navigation(
    page: Page, service: Service
) -> None:
    await opened(page, f"{service.url}#/help")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    assert urlsplit(page.url).fragment == "/help"


async def test_an_unknown_place_leads_back_to_the_start(page: Page, service: Service) -> None:
    await opened(page, f"{service.url}#/no/such/place")
    await expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    await page.get_by_role("link", name="Go to the start").click()
    await expect(page.get_by_role("navigation").locator("[aria-current=page]")).to_be_visible()


async def test_the_help_shows_commands_for_this_server_to_copy(
    context: BrowserContext, page: Page, service: Service
) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    await opened(page, f"{service.url}#/help")
    command = page.locator("pre", has_text="api/upload_file")
    await expect(command).to_contain_text(f"{service.origin}/api/upload_file")
    await page.locator(".code-box", has=command).get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == await command.inner_text()


# Themes


async def test_a_theme_is_remembered_and_the_one_of_the_system_is_the_default(
    page: Page, service: Service
) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    await page.emulate_media(color_scheme="light")
    await opened(page, service.url)
    light = await page.evaluate(ground)
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(ground)
    assert light != dark
    await page.get_by_role("radio", name="Light").check(force=True)
    assert await page.evaluate(ground) == light
    await opened(page, f"{service.url}?again")
    assert await page.evaluate(ground) == light
    await expect(page.get_by_role("radio", name="Light")).to_be_checked()
    await page.keyboard.press("Tab")
    await page.get_by_role("radio", name="Light").focus()
    await page.keyboard.press("ArrowRight")
    assert await page.evaluate(ground) == dark
    await page.get_by_role("radio", name="As the system").check(force=True)
    await page.emulate_media(color_scheme="light")
    await page.reload()
    assert await page.evaluate(ground) == light


# Connections


async def test_a_page_that_is_offline_says_so_until_the_network_is_back(
    context: BrowserContext, page: Page, service: Service, watch: Watch
) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED")
    await opened(page, service.url)
    await context.set_offline(True)
    await expect(page.get_by_text("You are offline.").first).to_be_visible()
    await axe(page)
    await context.set_offline(False)
    await expect(page.locator(".banner")).to_be_hidden()
    await expect(page.locator("#announcer")).to_have_text("The connection is back.")


async def test_a_server_on_this_machine_answers_without_a_network(
    page: Page, service: Service
) -> None:
    await opened(page, service.url)
    await page.evaluate(
        """() => {
            Object.defineProperty(navigator, "onLine", { get: () => false });
            dispatchEvent(new Event("offline"));
        }"""
    )
    assert await page.evaluate(ASK) == 0
    await expect(page.locator(".banner")).to_be_hidden()


async def test_a_server_that_is_away_is_asked_again_until_it_is_back(
    page: Page, own_service: Service, watch: Watch
) -> None:
    watch.allow(AWAY)
    await opened(page, own_service.url)
    assert await page.evaluate(ASK) == 0
    await own_service.kill()
    assert await page.evaluate(ASK) == "The service does not answer"
    banner = page.locator(".banner")
    await expect(banner).to_contain_text("The service does not answer.")
    await banner.get_by_role("button", name="Try now").click()
    await expect(banner).to_be_visible()
    await own_service.start()
    await expect(banner).to_be_hidden()
    assert await page.evaluate(ASK) == 0


# Keys


@pytest_asyncio.fixture(loop_scope="session")
async def guarded(tmp_path: Path) -> AsyncIterator[Service]:
    """A service that demands keys."""
    started = Service(tmp_path / "guarded", auth="keys")
    try:
        await started.start()
        yield started
    finally:
        await started.kill()


async def test_a_key_is_asked_for_once_kept_for_the_tab_and_forgotten(
    context: BrowserContext, page: Page, guarded: Service, watch: Watch
) -> None:
    watch.origins.add(guarded.origin)
    watch.expect(REFUSED)
    key = await guarded.create_key()
    await opened(page, f"{guarded.url}#/help")
    answers = asyncio.gather(page.evaluate(ASK), page.evaluate(ASK))
    dialog = page.get_by_role("dialog", name="API key")
    await expect(dialog.get_by_label("API key")).to_be_focused()
    await axe(page)
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("Enter a key.")).to_be_visible()
    await page.keyboard.type(key.replace("_", "-"))
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("The key was not accepted")).to_be_visible()
    await dialog.get_by_label("API key").fill(f" {key}\n")
    await dialog.get_by_role("button", name="Use this key").click()
    assert list(await answers) == [0, 0]

    # The tab keeps it, and nothing else does
    await page.reload()
    assert await page.evaluate(ASK) == 0
    assert not any(key in request for request in watch.requests)
    assert key not in page.url
    assert await page.evaluate("JSON.stringify(localStorage)") == "{}"
    other = await context.new_page()
    await opened(other, f"{guarded.url}#/help")
    assert await other.evaluate("sessionStorage.length") == 0
    await expect(other.get_by_role("button", name="Forget the key")).to_be_hidden()

    await page.get_by_role("button", name="Forget the key").click()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_a_person_who_gives_no_key_is_told_what_is_missing(
    page: Page, guarded: Service, watch: Watch
) -> None:
    watch.origins.add(guarded.origin)
    watch.expect(REFUSED)
    await opened(page, f"{guarded.url}#/help")
    answer = asyncio.ensure_future(page.evaluate(ASK))
    await expect(page.get_by_role("dialog", name="API key")).to_be_visible()
    await page.keyboard.press("Escape")
    assert await answer == "No valid key"
    await expect(page.get_by_role("dialog", name="API key")).to_be_hidden()


async def test_a_key_without_the_right_is_told_and_replaced_by_another(
    page: Page, guarded: Service, watch: Watch
) -> None:
    watch.origins.add(guarded.origin)
    watch.allow("status of 40[13]")
    uploads, reads = await guarded.create_key("--scope", "upload"), await guarded.create_key()
    await opened(page, f"{guarded.url}#/help")
    await page.get_by_role("navigation").get_by_role("link", name="Jobs").click()
    dialog = page.get_by_role("dialog", name="API key")
    await dialog.get_by_label("API key").fill(uploads)
    await page.keyboard.press("Enter")
    main = page.get_by_role("main")
    await expect(main.get_by_text("this needs the scope read")).to_be_visible()
    await main.get_by_role("button", name="Use another key").click()
    await dialog.get_by_label("API key").fill(reads)
    await page.keyboard.press("Enter")
    await expect(main.get_by_role("heading", name="No jobs yet")).to_be_visible()


# Behind a proxy, on a phone


async def test_the_page_works_below_a_path(
    page: Page, service: Service, watch: Watch, tmp_path: Path
) -> None:
    async with Prefixed(tmp_path / "proxy", urlsplit(service.origin).port or 0) as proxy:
        watch.origins.add(proxy.origin)
        await page.goto(proxy.url.rstrip("/"))
        await expect(page.locator("main h1")).to_be_visible()
        for name in ("Jobs", "Help"):
            await page.get_by_role("navigation").get_by_role("link", name=name).click()
            await expect(page.get_by_role("heading", level=1)).to_have_text(name)
        await expect(page.locator("pre").first).to_contain_text(proxy.url.rstrip("/"))
        assert await page.evaluate(ASK) == 0
        await page.get_by_role("link", name="Reference").click()
        reference = page.get_by_role("heading", level=1)
        await expect(reference).to_contain_text("csvmill", timeout=REFERENCE_DRAWN)
        assert page.url == f"{proxy.url}docs"
        outside = [each for each in watch.requests if PREFIX not in each]
        assert outside == []


@pytest.mark.parametrize("width", [320, 390, 1920])
async def test_the_frame_fits_every_width(page: Page, service: Service, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 700})
    await opened(page, f"{service.url}#/help")
    assert await scrolls_sideways(page) == []


async def test_nothing_moves_when_motion_is_to_be_reduced(page: Page, service: Service) -> None:
    await page.emulate_media(reduced_motion="reduce")
    await opened(page, service.url)
    running = "document.getAnimations().filter((each) => each.playState === 'running').length === 0"
    await wait_until(page, running)
