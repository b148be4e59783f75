"""The standalone service as a child process, which lives no longer than its parent."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import threading
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from csvmill.client import ClientError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from pathlib import Path

STARTUP = 60.0
"""Seconds that the service may take until it listens."""
SHUTDOWN = 5.0
"""Seconds that it gets to end in order; what it has acknowledged is safe in any case."""
_LISTENING = re.compile(rb"listening on (\S+)")


class ServiceFailed(ClientError):
    """The service did not start; the message has the end of its log."""


@asynccontextmanager
async def local_service(
    data_dir: Path, log: Path, *, inherit: Collection[int] = ()
) -> AsyncIterator[str]:
    """Run `csvmill serve` on a free loopback port, in a process of its own; yields its URL.

    It ends with the context, and by itself if this process is killed. It holds open the file
    descriptors that it is to `inherit`, as long as it lives. Ctrl-C does not reach it. Raises
    ServiceFailed if it does not start.
    """
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "csvmill", "serve", "--host", "127.0.0.1", "--port", "0",
            "--data-dir", str(data_dir), "--with-parent",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors,
            start_new_session=True, pass_fds=tuple(inherit),
        )  # fmt: skip
    assert process.stdin  # noqa: S101  (both pipes were asked for)
    assert process.stdout  # noqa: S101
    try:
        yield await _url(process.stdout, log)
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(2 * SHUTDOWN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _url(output: asyncio.StreamReader, log: Path) -> str:
    try:
        async with asyncio.timeout(STARTUP):
            line = await output.readline()
    except TimeoutError:
        raise ServiceFailed(f"the service does not listen after {STARTUP:g} s") from None
    listening = _LISTENING.search(line)
    if listening is None:
        said = await asyncio.to_thread(log.read_text, errors="replace")
        raise ServiceFailed(f"the service did not start:\n{said[-2000:].rstrip()}")
    return listening[1].decode()


def end_with_parent() -> None:
    """End this process, as SIGTERM does, when its standard input ends: its parent is gone."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1 << 16):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(2 * SHUTDOWN)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
