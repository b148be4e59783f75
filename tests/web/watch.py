"""What goes wrong in a browser beside what a test asserts: errors, violations, foreign requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, ConsoleMessage, Request, WebError

INSIDE = ("data", "blob", "about")
"""Schemes of URLs that leave no browser."""
OUTSIDE = re.compile("net::ERR_NETWORK_CHANGED")
"""What Chromium prints if a network of containers appears or disappears while it loads."""


class Watch:
    """Collects the faults of all pages of a context.

    Faults are errors in the console, uncaught exceptions, violations of the Content-Security-Policy
    and requests to another origin. A console message names the URL that could not be loaded.

    Args:
        origins: the origins that pages may send requests to.
    """

    def __init__(self, *origins: str) -> None:
        self.origins = set(origins)
        self.faults: list[str] = []
        """The faults so far, in their order."""
        self.requests: list[str] = []
        """The method and the URL of every request so far."""
        self._expected: list[re.Pattern[str]] = []
        self._allowed: list[re.Pattern[str]] = []

    def attach(self, context: BrowserContext) -> None:
        """Collect the faults of this context's pages from now on."""
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("request", self._on_request)

    def expect(self, pattern: str) -> None:
        """Require a fault that matches the regular expression, and accept all such faults."""
        self._expected.append(re.compile(pattern))

    def allow(self, pattern: str) -> None:
        """Accept faults that match the regular expression."""
        self._allowed.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        """Return the faults that were not expected, and what was expected but missing."""
        known = [*self._expected, *self._allowed, OUTSIDE]
        wrong = [fault for fault in self.faults if not any(each.search(fault) for each in known)]
        missing = [
            f"expected, but missing: {each.pattern}"
            for each in self._expected
            if not any(each.search(fault) for fault in self.faults)
        ]
        return wrong + missing

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _on_error(self, error: WebError) -> None:
        self.faults.append(f"uncaught: {error.error}")

    def _on_request(self, request: Request) -> None:
        self.requests.append(f"{request.method} {request.url}")
        parts = urlsplit(request.url)
        if parts.scheme not in INSIDE and f"{parts.scheme}://{parts.netloc}" not in self.origins:
            self.faults.append(f"foreign request: {request.url}")
