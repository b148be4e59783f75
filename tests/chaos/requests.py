"""Requests of an honest client: repeated until they are answered, every refusal noted."""

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

    from tests.chaos.story import Story

REQUEST_TIMEOUT = 10.0
"""Seconds of silence after which a client gives a request up and asks the other gateway."""
FAILURES = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was expected."""

    status: int
    body: dict[str, Any]
    asked: int
    """How often it took, this time included: what got no answer may have been done all the same."""


def new_session() -> aiohttp.ClientSession:
    """A session that loses patience as clients do."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=REQUEST_TIMEOUT, sock_read=REQUEST_TIMEOUT
        )
    )


class Requests:
    """Asks any of the gateways, on behalf of one story."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        gateways: Sequence[str],
        draw: random.Random,
        happened: Counter[str],
        story: Story,
    ) -> None:
        self.session = session
        self.gateways = gateways
        self.draw = draw
        self.happened = happened
        self.story = story

    def url(self, path: str, gateway: str | None = None) -> str:
        """A path on that gateway, or on either."""
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
        """Ask until the answer has an expected status."""
        for asked in count(1):
            try:
                async with self.session.request(
                    method, self.url(path, gateway), data=data and data(), headers=headers
                ) as answer:
                    if answer.status in expected:
                        body = await answer.json(content_type=None) if answer.status != 204 else {}
                        return Reply(answer.status, body, asked)
                    await self.note_refusal(answer)
            except FAILURES as error:
                self.broke_off(path, error)
            await self.pause()
        raise AssertionError("nobody gives up")

    def broke_off(self, path: str, error: BaseException) -> None:
        """Note a request that got no answer."""
        self.happened[f"{_kind(path)} broke off: {type(error).__name__}"] += 1

    async def note_refusal(self, answer: aiohttp.ClientResponse) -> None:
        """503 with Retry-After is what an outage looks like, 507 a full disk; all else is wrong."""
        self.happened[f"answered {answer.status}"] += 1
        if answer.status == 507:
            self.story.full_at.append(time.time())
        elif answer.status != 503 or "Retry-After" not in answer.headers:
            self.story.wrong.append(
                f"{answer.method} {answer.url.path} was answered {answer.status}: "
                f"{await answer.text()}"
            )

    async def pause(self) -> None:
        """As long as a client waits before it asks again."""
        await asyncio.sleep(self.draw.uniform(0.05, 0.3))


def _kind(path: str) -> str:
    names = {"upload_file": "upload", "file_status": "status", "download_file": "download"}
    if "/chunks/" in path:
        return "upload"
    first = path.removeprefix("/api/").split("/")[0]
    return names.get(first, "operation")
