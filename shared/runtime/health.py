"""Liveness and readiness checks, the same for every service."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import StorageFull, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Check = Callable[[], Awaitable[None]]

VERSION = version("csvmill")
CHECK_TIMEOUT = 3.0
"""Seconds without an answer after which a dependency counts as unavailable."""


def health_routes(checks: Mapping[str, Check]) -> list[web.RouteDef]:
    """Return the routes `GET /healthz` (this process) and `GET /readyz` (its dependencies).

    `/healthz` shows the version. `/readyz` calls `checks`, each of which returns or raises
    Unavailable or StorageFull, and answers 200 or 503 with `"ok"` or the error for each of them.
    """

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "version": VERSION})

    async def readyz(_request: web.Request) -> web.Response:
        outcomes = await asyncio.gather(*(_outcome(check) for check in checks.values()))
        ready = all(outcome == "ok" for outcome in outcomes)
        return web.json_response(
            {
                "status": "ok" if ready else "unavailable",
                **dict(zip(checks, outcomes, strict=True)),
            },
            status=200 if ready else 503,
        )

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]


async def _outcome(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            await check()
    except (Unavailable, StorageFull) as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {CHECK_TIMEOUT:g} s"
    return "ok"
