"""Asks a server whether it is there, and ready. The methods are part of `AsyncClient`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from csvmill.client.early_answer import early_status
from csvmill.client.paths import HEALTH, READY
from csvmill.client.server_view import ServerView

if TYPE_CHECKING:
    from csvmill.client.transport import Transport


class HealthMethods:
    """The methods of `AsyncClient` about the server itself."""

    _transport: Transport

    async def about(self) -> ServerView:
        """Return version, latency and clock skew of the server, with one request.

        Raises ServerUnavailable if it does not answer, ClientError if it is not csvmill.
        """
        sent_at, started = time.time(), time.monotonic()
        async with self._transport.request("GET", HEALTH) as response:
            text, date = await response.text(), response.headers.get("Date")
        return ServerView.of(text, date, sent_at=sent_at, latency=time.monotonic() - started)

    async def early_status(self, declared: int) -> int | None:
        """Return the status with which a request is refused whose body of `declared` bytes is not
        sent: 413 of a proxy with a lower limit, and None if one waits for the body.

        Raises ServerUnavailable if the server does not answer.
        """
        return await early_status(self._transport, declared)

    async def ready(self) -> dict[str, str]:
        """Return the readiness of the server and its parts, `ok` or the reason, with one request.

        Raises ServerUnavailable if it does not answer.
        """
        async with self._transport.request("GET", READY, accept=(503,)) as response:
            parts: dict[str, str] = json.loads(await response.text())
        return parts
