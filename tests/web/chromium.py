"""The Chromium of the machine."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from types import TracebackType

    from playwright.async_api import Browser, Playwright

DEMAND = "CSVMILL_TEST_CHROMIUM"
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
"""The first one is used. The shell has no windows, and takes half of the CPU of the others."""
START_TIMEOUT = 60_000
"""Milliseconds in which the browser has to start, on a busy machine too."""


def program() -> str:
    """Return the path of Chromium; skip the test without it, or fail if it must not be skipped."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        missing = "Chromium is not installed; on Debian: apt-get install chromium"
        if os.environ.get(DEMAND) == "required":
            pytest.fail(f"{missing} ({DEMAND}=required: tests that need it must not be skipped)")
        pytest.skip(missing)
    return found


def arguments() -> list[str]:
    """Return what Chromium needs here: no /dev/shm, which is small in containers.

    Its sandbox refuses to run as root.
    """
    return ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]


class Chromium:
    """One Chromium, started when it is first needed and again if it has ended."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    async def browser(self) -> Browser:
        """Return the running browser."""
        path = program()
        if self._playwright is None:
            self._playwright = await async_playwright().start()
        if self._browser is None or not self._browser.is_connected():
            self._browser = await self._playwright.chromium.launch(
                executable_path=path, args=arguments(), timeout=START_TIMEOUT
            )
        return self._browser

    async def __aenter__(self) -> Chromium:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()
