"""Start child processes, which end with the parent process and with the asyncio task."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from processor.engines.process import start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from processor.engines.process import Process

_CODE = Path(__file__).parents[2]
_KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "TZ", "LANG", "LC_ALL")
_CONTROL = "1"
"""The descriptor from which a child reads its task: the socket to which it also writes."""
MAX_LINE = 32 << 20
"""The maximum size of a line of a child in bytes, unless another is given."""


class Child:
    """A running child process, with which lines are exchanged."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.stdin = process.stdin
        """None if the child reads something else."""
        self.lines = process.lines
        """The events of the child, each a line of a limited number of bytes."""

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process has ended and was reaped."""
        return self._process.returncode is not None

    def send(self, line: bytes) -> None:
        """Write a line to the control pipe. A child that has ended does not read it."""
        try:
            self._process.control.write(line)
        except RuntimeError:
            # uvloop raises it once the other end has closed.
            if not self._process.control.is_closing():
                raise

    def kill(self, by: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the process group of the child, unless the child was reaped."""
        if not self.ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, by)

    async def wait(self) -> int:
        """Wait until the child has ended. Return its status, or the negated signal."""
        return await self._process.wait()

    async def exit_message(self) -> str:
        """Return how the child ended, and the end of its standard error. Waits for it."""
        status, text = await self.wait(), await self._process.errors.text()
        if status < 0:
            with contextlib.suppress(ValueError):
                how = f"was killed by {signal.Signals(-status).name} (signal {-status})"
                return f"the engine's process {how}" + (f": {text}" if text else "")
        last = text.splitlines()[-1] if text else "it wrote no error"
        return f"the engine's process ended with status {status}: {last}"

    async def close(self) -> None:
        """Kill the child if it runs, reap it, and close the control pipe."""
        self.kill()
        await self.wait()
        self._process.close()


@asynccontextmanager
async def child_process(
    command: Sequence[str],
    folder: Path,
    *,
    stdin: int = PIPE,
    pass_fds: Sequence[int] = (),
    variables: dict[str, str] | None = None,
    nice: int = 0,
    max_line: int = MAX_LINE,
) -> AsyncIterator[Child]:
    """Run `command` in `folder`, with the number of the control pipe as an additional argument.

    The control pipe is its standard output, a socket, which is closed when this process ends for
    any reason; the child then exits. On exit of the context, the process group of the child is
    killed and the child is reaped. The child gets only a few environment variables, `variables`
    among them, and no passwords. It runs with lower priority than this process, by `nice`. Reading
    a line of more than `max_line` bytes raises ValueError.
    """
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    process = await start(
        (*command, _CONTROL),
        folder,
        stdin=stdin,
        pass_fds=pass_fds,
        environment={**environment, **(variables or {})},
        limit=max_line,
    )
    if nice:
        # Before it gets its task: its threads inherit it.
        with contextlib.suppress(OSError):  # it has ended already, or the system forbids it
            own = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, process.pid, own + nice)
    child = Child(process)
    try:
        yield child
    finally:
        await asyncio.shield(child.close())


def python_command(module: str) -> tuple[list[str], dict[str, str]]:
    """Return the command that runs a module of this code, and the variables that it needs."""
    return [sys.executable, "-P", "-m", module], {"PYTHONPATH": str(_CODE)}
