"""Start a process with vfork, which takes a tenth of the time that uvloop takes.

uvloop forks: the kernel copies the page tables of this process, and the event loop waits until the
child has replaced itself, 20 ms on a busy machine. `subprocess` does not copy them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

from shared.runtime.input_pipe import InputPipe

if TYPE_CHECKING:
    from asyncio import StreamReader
    from collections.abc import Sequence
    from pathlib import Path


STDERR_TAIL = 4096
"""Bytes of a child's standard error that are kept."""


class Errors(asyncio.Protocol):
    """The end of what a process writes to its standard error."""

    def __init__(self) -> None:
        self._kept = b""
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._kept = (self._kept + data)[-STDERR_TAIL:]

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        del exc
        if not self._ended.done():
            self._ended.set_result(None)

    async def text(self) -> str:
        """Return it as text, once the process has closed its standard error."""
        await self._ended
        return self._kept.decode(errors="backslashreplace").strip()


class _Lines(asyncio.StreamReaderProtocol):
    """What a process writes to its standard output, to the end.

    A process that ends without reading what was sent to it resets the connection.
    """

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        super().connection_lost(None if isinstance(exc, ConnectionError) else exc)


class Process:
    """A process that was started by `start`, with its standard streams."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        stdin: InputPipe | None,
        stdout: tuple[asyncio.WriteTransport, StreamReader],
        stderr: tuple[asyncio.BaseTransport, Errors],
    ) -> None:
        self._process = process
        self._exit = _exit_of(process)
        self.stdin = stdin
        self.control, self.lines = stdout
        self._stderr, self.errors = stderr

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, or the negated signal; None until the process was reaped."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait until the process has ended, and return its `returncode`."""
        return await asyncio.shield(self._exit)

    def close(self) -> None:
        """Close the streams."""
        if self.stdin is not None:
            self.stdin.close()
        self.control.close()
        self._stderr.close()


async def start(
    command: Sequence[str],
    folder: Path,
    *,
    stdin: int,
    pass_fds: Sequence[int],
    environment: dict[str, str],
    limit: int,
) -> Process:
    """Start `command` in `folder`, in a session of its own. Raises OSError.

    Its standard output is a socket, from which it may read, too. `stdin` is a descriptor, or as
    `subprocess.Popen` takes it. `limit` is that of the lines of standard output, in bytes.
    """
    pipe = InputPipe() if stdin == subprocess.PIPE else None
    # Sockets, and not pipes: uvloop closes the descriptor of a pipe twice, and the second time it
    # may be that of a file that another thread has just opened.
    ours, theirs = zip(*(socket.socketpair() for _ in range(2)), strict=True)
    try:
        process = subprocess.Popen(  # noqa: ASYNC220  (returns within a millisecond)
            command,
            stdin=stdin if pipe is None else pipe.reading,
            stdout=theirs[0],
            stderr=theirs[1],
            cwd=folder,
            env=environment,
            pass_fds=pass_fds,
            # A process group of its own, to be killed as a whole.
            start_new_session=True,
        )
    except BaseException:
        _close_all(ours)
        if pipe is not None:
            pipe.close()
        raise
    finally:
        _close_all(theirs)
        if pipe is not None:
            pipe.started()
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit, loop)
    control: asyncio.WriteTransport | None = None
    try:
        control, _ = await loop.create_unix_connection(lambda: _Lines(lines), sock=ours[0])
        stderr = await loop.create_unix_connection(Errors, sock=ours[1])
        return Process(process, pipe, (control, lines), stderr)
    except BaseException:
        process.kill()
        process.wait()
        if pipe is not None:
            pipe.close()
        if control is not None:
            control.close()
        _close_all(ours)
        raise


def _close_all(streams: Sequence[socket.socket]) -> None:
    for stream in streams:
        stream.close()


def _exit_of(process: subprocess.Popen[bytes]) -> asyncio.Future[int]:
    """Return a future of the exit of a process, which is reaped then.

    What it has started and left behind in its process group is killed before: afterwards, the
    number of the group may belong to others.
    """
    loop = asyncio.get_running_loop()
    try:
        # Linux: readable once the process has ended.
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        return loop.run_in_executor(None, _wait, process)
    ended: asyncio.Future[int] = loop.create_future()

    def reap() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        ended.set_result(_wait(process))

    loop.add_reader(descriptor, reap)
    return ended


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process, kill the rest of its group, and return its status."""
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()
