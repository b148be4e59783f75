"""A receiver of webhooks, which checks signatures by itself, and settings that let it be reached.

It does what Standard Webhooks demands of receivers, with none of the code under test.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping

REACHABLE = {"outgoing_http": "true", "outgoing_networks": "127.0.0.0/8"}
"""Settings with which requests may go to a receiver on this machine."""


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def signed_by(self, secret: str) -> bool:
        """Whether one of its signatures is by this secret."""
        assert secret.startswith("whsec_")
        key = base64.b64decode(secret[len("whsec_") :])
        timestamp = self.headers["webhook-timestamp"].encode()
        signed = b".".join((self.id.encode(), timestamp, self.body))
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return expected in self.headers["webhook-signature"].split(" ")


class Receiver:
    """Keeps what it receives. It answers the next of `answers`, or 204 if there is none."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.received: list[Received] = []
        self.arrived: asyncio.Queue[Received] = asyncio.Queue()
        """The same requests, in the order of their arrival."""
        self.answers: list[web.Response] = []
        self.may_answer = asyncio.Event()
        """A request waits for this, with its bytes received."""
        self.may_answer.set()
        self.waiting = 0
        """Requests that wait for it now."""
        self.most_waiting = 0
        self._runner: web.AppRunner

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.may_answer.set()
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        received = Received(request.path_qs, dict(request.headers), await request.read())
        received = Received(
            received.path, {name.lower(): value for name, value in received.headers.items()},
            received.body,
        )  # fmt: skip
        self.received.append(received)
        self.arrived.put_nowait(received)
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        try:
            await self.may_answer.wait()
        finally:
            self.waiting -= 1
        return self.answers.pop(0) if self.answers else web.Response(status=204)
