"""The API reference in a browser: complete, of this server only, accessible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from gateway.openapi.document import DOCUMENT
from tests.web.accessibility import axe, scrolls_sideways
from tests.web.prefix import PREFIX, Prefixed

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.service import Service
    from tests.web.watch import Watch

OPERATIONS = sorted(
    (method.upper(), path, operation["operationId"], operation["summary"])
    for path, item in (DOCUMENT["paths"] | DOCUMENT["webhooks"]).items()
    for method, operation in item.items()
)
DRAWN = 60_000
"""Milliseconds in which Swagger UI has to show the document, on a busy machine too."""
SHOWN = """() => [...document.querySelectorAll(".opblock")].map((each) => [
    each.querySelector(".opblock-summary-method").textContent,
    each.querySelector(".opblock-summary-path").textContent.replaceAll("\\u200b", ""),
    each.id.split("-").at(-1),
    each.querySelector(".opblock-summary-description").textContent,
])"""


async def show(page: Page, url: str) -> None:
    """Open the reference, and wait until it is drawn."""
    page.set_default_timeout(DRAWN)
    await page.goto(url)
    await expect(page.locator(".opblock")).to_have_count(len(OPERATIONS), timeout=DRAWN)


async def test_every_operation_is_shown_and_can_be_tried(page: Page, service: Service) -> None:
    await show(page, f"{service.url}docs#/Service/healthz")
    assert sorted(map(tuple, await page.evaluate(SHOWN))) == OPERATIONS
    # The fixture fails on requests to another origin and on violations of the policy.
    shown = page.locator("#operations-Service-healthz")
    await expect(shown.locator(".responses-table").first).to_contain_text("Healthy")
    await axe(page)
    await shown.get_by_role("button", name="Try it out").click()
    await shown.get_by_role("button", name="Execute").click()
    await expect(shown.locator(".live-responses-table")).to_contain_text('"status": "ok"')
    await axe(page)


async def test_a_phone_shows_it_without_scrolling_sideways(page: Page, service: Service) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await show(page, f"{service.url}docs#/Jobs/showResult")
    await expect(page.locator("#operations-Jobs-showResult .responses-table")).to_be_visible()
    assert await scrolls_sideways(page) == []


async def test_it_works_below_a_path_prefix(
    page: Page, service: Service, watch: Watch, tmp_path: Path
) -> None:
    async with Prefixed(tmp_path / "proxy", int(service.origin.rpartition(":")[2])) as proxy:
        watch.origins.add(proxy.origin)
        await show(page, f"{proxy.origin}{PREFIX}/docs#/Service/healthz")
        shown = page.locator("#operations-Service-healthz")
        await shown.get_by_role("button", name="Try it out").click()
        await shown.get_by_role("button", name="Execute").click()
        await expect(shown.locator(".live-responses-table")).to_contain_text('"status": "ok"')
        await expect(shown.locator(".request-url")).to_contain_text(f"{PREFIX}/healthz")
