"""Runs an aiohttp application as a process: event loop, socket, signals, bounded shutdown."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

READ_BUFFER = 1 << 20
"""Bytes that aiohttp buffers of a request body before it stops reading from the socket."""


def run_service(
    build: Callable[[], web.Application],
    *,
    name: str,
    host: str,
    port: int,
    shutdown_timeout: float,
) -> None:
    """Serve `build()` until SIGTERM or SIGINT; returns when everything is closed.

    Once the socket accepts, prints `csvmill <name> listening on http://<host>:<port>` to standard
    output, which tells the port that was picked when `port` is 0. On a signal it stops accepting,
    gives requests in progress `shutdown_timeout` seconds, then runs the application's clean-up.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(build(), name, host, port, shutdown_timeout))


async def _serve(
    app: web.Application, name: str, host: str, port: int, shutdown_timeout: float
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopped.set)
    runner = web.AppRunner(
        app, handle_signals=False, shutdown_timeout=shutdown_timeout, read_bufsize=READ_BUFFER
    )
    try:
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        sys.stdout.write(f"csvmill {name} listening on http://{shown}:{bound}\n")
        sys.stdout.flush()
        await stopped.wait()
    finally:
        await runner.cleanup()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
