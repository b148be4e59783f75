"""Waits for what no element shows.

`page.wait_for_function` cannot be used: it evaluates strings in the page, which the page's
Content-Security-Policy forbids.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Page


async def wait_until(page: Page, expression: str, timeout: float = 20.0) -> Any:
    """Evaluate an expression of JavaScript again and again; return its first true value.

    Raises TimeoutError after `timeout` seconds.
    """
    async with asyncio.timeout(timeout):
        while not (found := await page.evaluate(expression)):  # noqa: ASYNC110  (in the browser)
            await asyncio.sleep(0.05)
        return found
