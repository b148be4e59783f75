"""Processes that the fork server starts, with the interface of `subprocess.Popen`."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from tests import reaper
from tests.fork_server import MODULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MODULES", "ForkedProcess", "run_command"]

_lock = threading.Lock()
_server: socket.socket | None = None


class ForkedProcess:
    """`python -m <module> <arguments>` in a session of its own."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        stdin: int,
        stdout: int,
        stderr: int,
    ) -> None:
        request = {
            "module": module,
            "arguments": list(arguments),
            "env": dict(env),
            "cwd": str(cwd or Path.cwd()),
        }
        self._exited, reports = os.pipe()
        # Not closed when the process has ended: another thread may still wait for it.
        weakref.finalize(self, os.close, self._exited)
        try:
            self.pid = _fork(request, [stdin, stdout, stderr, reports])
        finally:
            os.close(reports)
        self._polling = threading.Lock()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while the process runs."""
        return self._wait(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. Raises subprocess.TimeoutExpired."""
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return code

    def send_signal(self, signum: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        """Send SIGKILL, unless the process has ended."""
        self.send_signal(signal.SIGKILL)

    def _wait(self, timeout: float | None) -> int | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            poll = select.poll()
            poll.register(self._exited, select.POLLIN)
            if not poll.poll(None if left is None else left * 1000):
                return None
            self._read_exit_code()
        return self.returncode

    def _read_exit_code(self) -> None:
        with self._polling:
            if self.returncode is None:
                # Empty if the server was killed, and its processes with it.
                self.returncode = int(os.read(self._exited, 100) or -signal.SIGKILL)


def _fork(request: Mapping[str, object], descriptors: list[int]) -> int:
    with _lock:
        server = _start_server()
        socket.send_fds(server, [json.dumps(request).encode()], descriptors)
        answer = server.recv(100)
    assert answer, "the fork server has ended"
    return int(answer)


def _start_server() -> socket.socket:
    global _server
    if _server is None:
        _server, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                cwd=Path(__file__).parents[1],
                start_new_session=True,
            )
        atexit.register(_stop_server, _server, process)
    return _server


def _stop_server(server: socket.socket, process: subprocess.Popen[bytes]) -> None:
    server.close()
    process.wait()


def run_command(
    *arguments: str, env: Mapping[str, str], cwd: Path, stdin: bytes = b"", timeout: float
) -> subprocess.CompletedProcess[bytes]:
    """Run `csvmill <arguments>` to its end. Raises subprocess.TimeoutExpired."""
    with TemporaryFile() as given, TemporaryFile() as output, TemporaryFile() as errors:
        given.write(stdin)
        given.seek(0)
        process = ForkedProcess(
            "csvmill",
            arguments,
            env=env,
            cwd=cwd,
            stdin=given.fileno(),
            stdout=output.fileno(),
            stderr=errors.fileno(),
        )
        reaper.watch_process(process.pid)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
            reaper.forget_process(process.pid)
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(arguments, code, output.read(), errors.read())
