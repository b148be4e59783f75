"""Start child processes, which end with the parent process and with the asyncio task."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shared.runtime.files import write_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_CODE = Path(__file__).parents[2]
_KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "TZ", "LANG", "LC_ALL")
MAX_LINE = 1 << 20
"""The maximum size of a line of a child in bytes. Its report quotes problems of the file."""
STDERR_TAIL = 4096
"""Bytes of a child's standard error that are kept."""


@asynccontextmanager
async def child_process(module: str, task: bytes, folder: Path) -> AsyncIterator[Process]:
    """Run `python -m module FD` in `folder`, with pipes for all three standard streams.

    FD is the control pipe, on which the child reads `task`. The pipe is closed when this process
    ends for any reason. On exit of the context, the process group of the child is killed and the
    child is reaped. The child gets only a few environment variables, and no passwords.
    """
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    reading, writing = os.pipe()
    try:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", module, str(reading)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                limit=MAX_LINE,
                cwd=folder,
                env={**environment, "PYTHONPATH": str(_CODE)},
                pass_fds=(reading,),
                # A process group of its own, to be killed as a whole.
                start_new_session=True,
            )
        finally:
            os.close(reading)
        try:
            await asyncio.to_thread(_send_task, writing, task)
            yield process
        finally:
            kill(process)
            await asyncio.shield(process.wait())
    finally:
        os.close(writing)


def kill(process: Process) -> None:
    """Send SIGKILL to the process group of the child, unless the child was reaped."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


async def tail(stream: asyncio.StreamReader) -> str:
    """Read the stream of a child to its end, and return the last `STDERR_TAIL` bytes as text."""
    kept = b""
    while block := await stream.read(1 << 16):
        kept = (kept + block)[-STDERR_TAIL:]
    return kept.decode(errors="backslashreplace").strip()


def _send_task(descriptor: int, task: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # the child has ended; its exit status tells why
        write_all(descriptor, task)
