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
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Sequence
    from pathlib import Path


class Process:
    """A process that was started by `start`, with its standard streams."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        stdin: InputPipe | None,
        stdout: tuple[StreamReader, StreamWriter],
        stderr: tuple[StreamReader, StreamWriter],
    ) -> None:
        self._process = process
        self._exit = _exit_of(process)
        self.stdin = stdin
        self.stdout, self._stdout = stdout
        self.stderr, self._stderr = stderr

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
        self._stdout.close()
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

    `stdin` is a descriptor, or as `subprocess.Popen` takes it. `limit` is that of the lines of
    standard output, in bytes.
    """
    pipe = InputPipe() if stdin == subprocess.PIPE else None
    # Not pipes, whose descriptors uvloop closes twice (see `child_process`).
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
    opened: list[tuple[StreamReader, StreamWriter]] = []
    try:
        for stream in ours:
            opened.append(  # noqa: PERF401  (closed if the next one fails)
                await asyncio.open_unix_connection(sock=stream, limit=limit)
            )
        stdout, stderr = opened
        return Process(process, pipe, stdout, stderr)
    except BaseException:
        process.kill()
        process.wait()
        if pipe is not None:
            pipe.close()
        for _, writer in opened:
            writer.close()
        _close_all(ours[len(opened) :])
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
