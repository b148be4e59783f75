"""Start child processes that end with their parent and with the task that awaits them."""

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
LONGEST_LINE = 1 << 20
"""Bytes of a line that a child may say: its report has problems that quote the file."""
STDERR_TAIL = 4096
"""Bytes of a child's standard error that are kept."""


@asynccontextmanager
async def child_process(module: str, task: bytes, folder: Path) -> AsyncIterator[Process]:
    """Run `python -m module FD` in `folder`, all three standard streams piped.

    FD is the control pipe, on which `task` arrives, and which ends when this process does, however
    it dies. On leaving, the child and everything that it started is dead and reaped. It gets none
    of this process's environment that it does not need, such as passwords.
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
                limit=LONGEST_LINE,
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
    """SIGKILL to the child's process group, unless it has ended and been reaped."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


async def tail(stream: asyncio.StreamReader) -> str:
    """The end of what a child says on a stream, once it has closed it."""
    kept = b""
    while block := await stream.read(1 << 16):
        kept = (kept + block)[-STDERR_TAIL:]
    return kept.decode(errors="backslashreplace").strip()


def _send_task(descriptor: int, task: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # the child is dead; its exit status says why
        write_all(descriptor, task)
