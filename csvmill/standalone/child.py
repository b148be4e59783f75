"""Run the standalone service as a child process that never outlives its parent."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from csvmill.client.errors import ClientError
from csvmill.standalone.parent import SHUTDOWN_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping
    from pathlib import Path

STARTUP_TIMEOUT = 60.0
"""Seconds that the service has to start listening."""
LOG_TAIL = 2000
"""Characters of the log that an error message quotes."""
FASTER_START = {
    # The service makes no TLS connection, but aiohttp loads all certificates of the system.
    "SSL_CERT_FILE": os.devnull,
    "SSL_CERT_DIR": os.devnull,
    # It uses no plugin of pydantic, which reads the metadata of every installed package for them.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
"""Environment variables that shorten the imports of the service."""
TOKEN_VARIABLE = "CSVMILL_PRIVATE_TOKEN"  # noqa: S105 - the name of a variable
_LISTENING = re.compile(rb"listening on (\S+)")


class ServiceFailed(ClientError):
    """The service did not start. The message ends with the tail of its log."""


@asynccontextmanager
async def local_service(
    data_dir: Path,
    log: Path,
    *,
    inherit: Collection[int] = (),
    settings: Mapping[str, str] | None = None,
    token: str | None = None,
    meanwhile: Callable[[], object] = lambda: None,
    is_needless: Callable[[], bool] = lambda: False,
) -> AsyncIterator[str]:
    """Run `csvmill serve` as a child process on a free loopback port, and yield its URL.

    The child stops when the context exits, and also when this process is killed. It runs in a
    session of its own, so Ctrl-C does not reach it. It keeps the file descriptors in `inherit`
    open while it runs. Its log is appended to `log`. `settings` are environment variables of the
    child that this process has not. With a `token` it answers only to clients that have this as
    their key: to no other user of this machine, and to no web page. `meanwhile` is called while it
    starts. If what it keeps `is_needless` when the context exits, it is killed, which takes less
    time than to stop it.

    Raises ServiceFailed if it does not start.
    """
    with log.open("ab") as log_file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "csvmill", "serve", "--host", "127.0.0.1", "--port", "0",
            "--data-dir", str(data_dir), "--with-parent",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log_file,
            start_new_session=True, pass_fds=tuple(inherit),
            env=_environment(settings or {}, token),
        )  # fmt: skip
    assert process.stdin  # noqa: S101  (both are pipes)
    assert process.stdout  # noqa: S101
    try:
        meanwhile()
        yield await _read_url(process.stdout, log)
    finally:
        if is_needless():
            process.kill()
        process.stdin.close()
        try:
            async with asyncio.timeout(SHUTDOWN_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _environment(settings: Mapping[str, str], token: str | None) -> dict[str, str]:
    """Return the child's environment: an argument would show the token to all users."""
    env = {**FASTER_START, **settings, **os.environ}
    env.pop("CSVMILL_API_KEY", None)  # that of another server
    return env if token is None else {**env, TOKEN_VARIABLE: token}


async def _read_url(output: asyncio.StreamReader, log: Path) -> str:
    try:
        async with asyncio.timeout(STARTUP_TIMEOUT):
            line = await output.readline()
    except TimeoutError:
        raise ServiceFailed(
            f"the service did not start listening within {STARTUP_TIMEOUT:g} s"
        ) from None
    listening = _LISTENING.search(line)
    if listening is None:
        text = await asyncio.to_thread(log.read_text, errors="replace")
        raise ServiceFailed(f"the service did not start:\n{_readable(text[-LOG_TAIL:])}")
    return listening[1].decode()


def _readable(log: str) -> str:
    """Return the lines of a log, of those in JSON only the message."""
    lines = []
    for line in log.rstrip().splitlines():
        try:
            lines.append(str(json.loads(line)["message"]))
        except (ValueError, KeyError, TypeError):
            lines.append(line)
    return "\n".join(lines)
