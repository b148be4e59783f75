"""Liveness and readiness, the same on every service."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Check = Callable[[], Awaitable[None]]

VERSION = version("csvmill")
CHECK_TIMEOUT = 3.0
"""Seconds after which a dependency that has not answered counts as down."""


def health_routes(checks: Mapping[str, Check]) -> list[web.RouteDef]:
    """`GET /healthz` (this process answers) and `GET /readyz` (its dependencies answer too).

    `/healthz` tells the version. Each check returns, or raises Unavailable. `/readyz` answers 200
    or 503 with one line for each dependency: `"ok"`, or why it is not.
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
    except Unavailable as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {CHECK_TIMEOUT:g} s"
    return "ok"
