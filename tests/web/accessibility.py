"""Checks of accessibility by axe-core."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from axe_playwright_python.base import AXE_SCRIPT, AxeResults

if TYPE_CHECKING:
    from playwright.async_api import Page

OPTIONS: dict[str, Any] = {
    "resultTypes": ["violations"],
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
}

COLOURS: dict[str, Any] = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""The rules that look at colours, in which alone a page differs between light and dark."""
RUN = """async (options) => {
    const {passes, incomplete, inapplicable, ...found} = await axe.run(options);
    return found;
}"""

# Polled: Chromium may leave `finished` of a transition that is replaced at once pending for ever.
SETTLED = """async () => {
    const ends = (each) => each.effect?.getComputedTiming().endTime !== Infinity;
    const moves = () => document.getAnimations().some(
        (each) => ends(each) && each.playState === "running"
    );
    const latest = performance.now() + 10_000;
    while (moves() && performance.now() < latest) {
        await new Promise((next) => setTimeout(next, 20));
    }
}"""

TOO_WIDE = """() => {
    const root = document.scrollingElement;
    if (root.scrollWidth <= root.clientWidth) return [];
    const scrolls = (each) => each !== null && each !== document.body && each !== root
        && (getComputedStyle(each).overflowX !== "visible" || scrolls(each.parentElement));
    return [...document.querySelectorAll("body *")]
        .filter((each) => each.getBoundingClientRect().right > root.clientWidth + 0.5)
        .filter((each) => !scrolls(each.parentElement))
        .slice(0, 10)
        .map((each) => `${each.localName}.${each.getAttribute("class") ?? ""}`);
}"""
TIMEOUT = 20.0


async def axe(page: Page) -> None:
    """Assert that axe-core finds no violation in the page, in light colours and in dark ones."""
    await _axe(page, "light", OPTIONS)
    await _axe(page, "dark", COLOURS)


async def _axe(page: Page, scheme: Literal["light", "dark"], options: dict[str, Any]) -> None:
    await page.emulate_media(color_scheme=scheme)
    # Colours that change slowly are measured when they have changed.
    await page.evaluate(SETTLED)
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    found = AxeResults(await page.evaluate(RUN, options))
    assert found.violations_count == 0, f"{scheme}: {found.generate_report()}"


async def scrolls_sideways(page: Page) -> list[str]:
    """Return the elements that make the page wider than its window; none if it is not wider.

    A page whose window was just made narrower is given a moment to draw itself anew.
    """
    async with asyncio.timeout(TIMEOUT):
        for pause in (0.0, 0.1, 0.2, 0.4, 0.8, 1.6):
            await asyncio.sleep(pause)
            wide: list[str] = await page.evaluate(TOO_WIDE)
            if not wide:
                break
    return wide
