"""Runs an aiohttp application as a process: event loop, socket, signals, shutdown."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from shared.errors import CsvmillError, InvalidInput
from shared.http import security_headers
from shared.http.direct_body import allow_direct_bodies
from shared.http.trailers import TrailerRunner
from shared.runtime.descriptors import raise_limit, watch_descriptors
from shared.runtime.drain import ON_SHUTDOWN_STARTED, Drain
from shared.runtime.freed_memory import return_freed_memory
from shared.runtime.secrets import forget_secrets, hide_memory, secrets_in_files
from shared.runtime.unknown_settings import unknown_settings
from shared.telemetry.logs import last_words

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from shared.http.connection_limits import ConnectionLimits

READ_BUFFER = 1 << 20
"""Bytes of a request body that aiohttp buffers before it stops reading from the socket."""

SWITCH_INTERVAL = 0.02
"""Seconds after which a thread that computes lets another one run. With Python's 5 ms, the event
loop is interrupted by threads that have little to do, which costs a tenth of the small jobs a
second."""

GARBAGE = 10_000
"""New objects after which Python looks for those that only refer to each other. With its 700, that
takes a twentieth of the time of a small job."""

CLOSE_TIMEOUT = 1.0
"""Seconds that aiohttp gives to the requests that are still open after the shutdown timeout."""

log = logging.getLogger(__name__)

Settings = TypeVar("Settings", bound=BaseSettings)


def settings_or_exit(kind: type[Settings], name: str) -> Settings:
    """Read the settings from the environment, and secrets from files that it names.

    Afterwards the variables of this process have no secrets. Exits with a message that names wrong
    variables.
    """
    try:
        settings = kind.model_validate(secrets_in_files(kind))
    except InvalidInput as error:
        sys.exit(last_words(name, str(error)))
    except ValidationError as error:
        sys.exit(last_words(name, faults_of(error)))
    forget_secrets(kind)
    return settings


def faults_of(error: ValidationError) -> str:
    """Return the variables that are wrong, and why, without their values: one may be a secret."""
    return "; ".join(
        f"{_variable(fault['loc'])}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)
    )


def _variable(location: tuple[int | str, ...]) -> str:
    """The environment variable at fault: a field's name, or its alias, which has the prefix."""
    return "CSVMILL_" + "_".join(map(str, location)).upper().removeprefix("CSVMILL_")


def run_service(
    build: Callable[[], AbstractAsyncContextManager[web.Application]],
    *,
    name: str,
    host: str,
    port: int,
    shutdown_timeout: float,
    limits: ConnectionLimits | None = None,
    tls: Callable[[], ssl.SSLContext | None] | None = None,
) -> None:
    """Serve the application of `build()` until SIGTERM or SIGINT.

    The context of `build()` opens and closes what the application needs. When the socket accepts
    connections, prints `csvmill <name> listening on http://<host>:<port>` to standard output, with
    the actual port if `port` is 0, and `https` with `tls`, whose context is that of the server. A
    signal stops accepting, gives requests in progress
    `shutdown_timeout` seconds, and cleans up; a second one ends that time. During `build()`, a
    signal cancels it. Exits with a message if the service cannot start.
    """

    async def serve() -> None:
        stopped, hurry = asyncio.Event(), asyncio.Event()
        waiting = asyncio.current_task()

        def stop() -> None:
            if stopped.is_set():
                hurry.set()
            stopped.set()
            if waiting:
                waiting.cancel()

        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, stop)
        try:
            async with build() as app:
                waiting = None
                context = tls() if tls else None
                await _serve(
                    app, stopped, hurry, name, host, port, shutdown_timeout, limits, context
                )
        except asyncio.CancelledError:
            if not stopped.is_set():
                raise

    for message in unknown_settings(os.environ):
        log.warning("%s", message)
    hide_memory()
    raise_limit()
    os.umask(0o077)  # what a service writes is for its own eyes
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.freeze()  # what was imported stays: no collection has to look at it again
    gc.set_threshold(GARBAGE)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve())
    except (CsvmillError, OSError) as error:
        sys.exit(last_words(name, str(error)))
    except Exception:  # a defect, which is logged in the format of the other lines
        log.critical("the service ends", exc_info=True)
        sys.exit(1)


async def _serve(
    app: web.Application,
    stopped: asyncio.Event,
    hurry: asyncio.Event,
    name: str,
    host: str,
    port: int,
    shutdown_timeout: float,
    limits: ConnectionLimits | None,
    tls: ssl.SSLContext | None,
) -> None:
    drain = Drain()
    app.middlewares.insert(0, drain.middleware)
    allow_direct_bodies(app)
    security_headers.install(app)
    runner = TrailerRunner(
        app,
        limits=limits,
        handle_signals=False,
        shutdown_timeout=CLOSE_TIMEOUT,
        read_bufsize=READ_BUFFER,
    )
    watching = [asyncio.create_task(work) for work in (watch_descriptors(), return_freed_memory())]
    try:
        await runner.setup()
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        bound = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        scheme = "http" if tls is None else "https"
        sys.stdout.write(f"csvmill {name} listening on {scheme}://{shown}:{bound}\n")
        sys.stdout.flush()
        await stopped.wait()
        await site.stop()
        for end in app.get(ON_SHUTDOWN_STARTED, ()):
            end()
        if cut_off := await drain.finish(shutdown_timeout, hurry):
            log.warning("%d requests did not finish in time", cut_off)
    finally:
        for task in watching:
            task.cancel()
        await runner.cleanup()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
