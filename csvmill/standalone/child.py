"""Run the standalone service as a child process that never outlives its parent."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import sys
import threading
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NoReturn

from csvmill.client import ClientError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from pathlib import Path

STARTUP_TIMEOUT = 60.0
"""Seconds that the service has to start listening."""
SHUTDOWN_TIMEOUT = 10.0
"""Seconds that it has to stop before it is killed. Acknowledged bytes are safe either way."""
LOG_TAIL = 2000
"""Characters of the log that an error message quotes."""
_LISTENING = re.compile(rb"listening on (\S+)")


class ServiceFailed(ClientError):
    """The service did not start. The message ends with the tail of its log."""


@asynccontextmanager
async def local_service(
    data_dir: Path, log: Path, *, inherit: Collection[int] = ()
) -> AsyncIterator[str]:
    """Run `csvmill serve` as a child process on a free loopback port, and yield its URL.

    The child stops when the context exits, and also when this process is killed. It runs in a
    session of its own, so Ctrl-C does not reach it. It keeps the file descriptors in `inherit`
    open while it runs. Its log is appended to `log`.

    Raises ServiceFailed if it does not start.
    """
    with log.open("ab") as log_file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "csvmill", "serve", "--host", "127.0.0.1", "--port", "0",
            "--data-dir", str(data_dir), "--with-parent",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log_file,
            start_new_session=True, pass_fds=tuple(inherit),
        )  # fmt: skip
    assert process.stdin  # noqa: S101  (both are pipes)
    assert process.stdout  # noqa: S101
    try:
        yield await _read_url(process.stdout, log)
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(SHUTDOWN_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


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
        raise ServiceFailed(f"the service did not start:\n{text[-LOG_TAIL:].rstrip()}")
    return listening[1].decode()


def stop_with_parent() -> None:
    """Send SIGTERM to this process when standard input ends, which means the parent has exited.

    If it has not stopped after SHUTDOWN_TIMEOUT seconds, it exits at once with code 1.
    """

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1 << 16):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(SHUTDOWN_TIMEOUT)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def exit_at_once() -> NoReturn:
    """End this process after a clean shutdown, without freeing each object.

    That takes the interpreter half a second, for which the parent would wait.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
