"""Requests of a correct client: repeated until they are answered; refusals are recorded."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    import random
    from collections import Counter
    from collections.abc import Callable, Collection, Mapping, Sequence
    from io import BytesIO

    from tests.chaos.scenario import Scenario

REQUEST_TIMEOUT = 10.0
"""Seconds of silence after which a client sends the request to either gateway again."""
FAILURES = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Reply:
    """An expected answer."""

    status: int
    body: dict[str, Any]
    tries: int
    """Requests sent, including this one. A request without an answer may have been processed."""


def new_session() -> aiohttp.ClientSession:
    """Return a session with the timeouts of a client."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=REQUEST_TIMEOUT, sock_read=REQUEST_TIMEOUT
        )
    )


class Requests:
    """Sends the requests of one scenario to any of the gateways."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        gateways: Sequence[str],
        draw: random.Random,
        counters: Counter[str],
        scenario: Scenario,
    ) -> None:
        self.session = session
        self.gateways = gateways
        self.draw = draw
        self.counters = counters
        self.scenario = scenario

    def url(self, path: str, gateway: str | None = None) -> str:
        """Return the URL of a path on the given gateway, or on a random one."""
        return f"{gateway or self.draw.choice(self.gateways)}{path}"

    async def ask(
        self,
        method: str,
        path: str,
        *,
        expected: Collection[int] = (200,),
        data: Callable[[], aiohttp.FormData | BytesIO] | None = None,
        headers: Mapping[str, str] | None = None,
        gateway: str | None = None,
    ) -> Reply:
        """Send a request until the answer has an expected status."""
        for tries in count(1):
            try:
                async with self.session.request(
                    method, self.url(path, gateway), data=data and data(), headers=headers
                ) as answer:
                    if answer.status in expected:
                        body = await answer.json(content_type=None) if answer.status != 204 else {}
                        return Reply(answer.status, body, tries)
                    await self.note_refusal(answer)
            except FAILURES as error:
                self.broke_off(path, error)
            await self.pause()
        raise AssertionError("a client never gives up")

    def broke_off(self, path: str, error: BaseException) -> None:
        """Count a request without an answer."""
        self.counters[f"{_kind(path)} broke off: {type(error).__name__}"] += 1

    async def note_refusal(self, answer: aiohttp.ClientResponse) -> None:
        """Record a refusal: 503 with Retry-After and 507 are allowed, all others are errors."""
        self.counters[f"answered {answer.status}"] += 1
        if answer.status == 507:
            self.scenario.full_at.append(time.time())
        elif answer.status != 503 or "Retry-After" not in answer.headers:
            self.scenario.errors.append(
                f"{answer.method} {answer.url.path} was answered {answer.status}: "
                f"{await answer.text()}"
            )

    async def pause(self) -> None:
        """Wait as a client does before it repeats a request."""
        await asyncio.sleep(self.draw.uniform(0.05, 0.3))


def _kind(path: str) -> str:
    names = {"upload_file": "upload", "file_status": "status", "download_file": "download"}
    if "/chunks/" in path:
        return "upload"
    first = path.removeprefix("/api/").split("/")[0]
    return names.get(first, "operation")
