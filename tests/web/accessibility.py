"""Checks of accessibility by axe-core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.async_playwright import Axe

if TYPE_CHECKING:
    from playwright.async_api import Page

OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
}

SETTLED = """() => Promise.allSettled(
    document.getAnimations()
        .filter((each) => each.effect?.getComputedTiming().endTime !== Infinity)
        .map((each) => each.finished)
)"""


async def axe(page: Page) -> None:
    """Assert that axe-core finds no violation in the page, in light colours and in dark ones."""
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        # Colours that change slowly are measured when they have changed.
        await page.evaluate(SETTLED)
        found = await Axe().run(page, options=OPTIONS)
        assert found.violations_count == 0, f"{scheme}: {found.generate_report()}"


async def scrolls_sideways(page: Page) -> list[str]:
    """Return the elements that make the page wider than its window; none if it is not wider."""
    wide: list[str] = await page.evaluate(
        """() => {
            const root = document.scrollingElement;
            if (root.scrollWidth <= root.clientWidth) return [];
            return [...document.querySelectorAll("body *")]
                .filter((each) => each.getBoundingClientRect().right > root.clientWidth + 0.5)
                .map((each) => `${each.tagName.toLowerCase()}.${each.className}`);
        }"""
    )
    return wide
