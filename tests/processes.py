"""Real processes for tests, with their output and signals. All are ended with the test run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests import reaper
from tests.forked import MODULES, ForkedProcess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.servers.accounts import Account

_TAIL_LINES = 60
_LISTENING = re.compile(r"^csvmill (?P<name>\S+) listening on (?P<url>https?://\S+)$")


class ProcessFailed(AssertionError):
    """A process ended or did not print a line in time. The message has its last output."""


class OwnedProcess:
    """A process in its own session (process group), with its output in a log file.

    It runs until `terminate` or `destroy`. If the test run is killed, the reaper ends it.
    Standard output and standard error are both written to `log_path`.
    """

    def __init__(
        self,
        args: Sequence[str],
        *,
        log_path: Path,
        env: Mapping[str, str],
        cwd: Path | None = None,
        account: Account | None = None,
    ) -> None:
        self.args = list(args)
        self.log_path = log_path
        self._lines: list[str] = []
        self._output = threading.Condition()
        self._output_ended = False
        reading, writing = os.pipe()
        self._pipe = os.fdopen(reading, "rb")
        try:
            self._popen = self._start(dict(env), cwd, account, writing)
        except BaseException:
            self._pipe.close()
            raise
        finally:
            os.close(writing)
        reaper.watch_process(self.pid)
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()

    def _start(
        self, env: dict[str, str], cwd: Path | None, account: Account | None, output: int
    ) -> subprocess.Popen[bytes] | ForkedProcess:
        return subprocess.Popen(
            self.args,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group and session."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while the process runs."""
        return self._popen.poll()

    @property
    def lines(self) -> list[str]:
        """The lines printed so far."""
        with self._output:
            return list(self._lines)

    def wait_for_line(
        self, pattern: str | re.Pattern[str], *, timeout: float, after: int = 0
    ) -> re.Match[str]:
        """Wait until a printed line matches `pattern`, unless one already does.

        The first `after` lines are passed over.

        Raises ProcessFailed with the end of the log if the process ends first or `timeout`
        seconds have passed.
        """
        wanted = re.compile(pattern)
        deadline = time.monotonic() + timeout
        seen = after
        with self._output:
            while True:
                for line in self._lines[seen:]:
                    if match := wanted.search(line):
                        return match
                seen = len(self._lines)
                if self._output_ended:
                    raise ProcessFailed(self._report(f"ended without printing {wanted.pattern!r}"))
                if not self._output.wait(deadline - time.monotonic()):
                    raise ProcessFailed(
                        self._report(f"has not printed {wanted.pattern!r} in {timeout:g} s")
                    )

    def wait(self, timeout: float) -> int:
        """Wait until the process ends by itself; return its exit code, negative for a signal.

        Raises ProcessFailed if it still runs after `timeout` seconds.
        """
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ProcessFailed(self._report(f"still runs after {timeout:g} s")) from None

    def send_signal(self, signum: int) -> None:
        """Send a signal to the process, not to its children."""
        self._popen.send_signal(signum)

    def terminate(self, timeout: float) -> int:
        """Send SIGTERM and `wait`; return the exit code."""
        self.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self) -> None:
        """Send SIGKILL to the process only, like the kernel when out of memory, and reap it."""
        self._popen.kill()
        self._popen.wait()

    def pause(self) -> None:
        """Send SIGSTOP to the process and its descendants: it hangs with open sockets."""
        for process in reaper.tree(self.pid):
            reaper.signal_quietly(process, signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT to the processes that `pause` stopped."""
        for process in reaper.tree(self.pid):
            reaper.signal_quietly(process, signal.SIGCONT)

    def destroy(self) -> None:
        """Send SIGKILL to the process and its descendants; return when all have ended."""
        reaper.kill_tree(self.pid)
        self._popen.wait()
        reaper.forget_process(self.pid)
        self._reader.join(timeout=5)
        if not self._reader.is_alive():
            self._pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()

    def tail(self) -> str:
        """Return the last lines of output, for a failure message."""
        return "".join(f"    {line}\n" for line in deque(self.lines, _TAIL_LINES))

    def _report(self, what: str) -> str:
        shown = " ".join(self.args)
        return f"{shown} (pid {self.pid}, exit code {self.returncode}) {what}\n{self.tail()}"

    def _read_output(self) -> None:
        with self.log_path.open("wb") as log:
            for line in self._pipe:
                log.write(line)
                log.flush()
                with self._output:
                    self._lines.append(line.decode(errors="replace").rstrip("\r\n"))
                    self._output.notify_all()
        with self._output:
            self._output_ended = True
            self._output.notify_all()


class ServiceProcess(OwnedProcess):
    """One of our services, run as `python -m <module> <arguments>`.

    It is forked from a process that has imported it already, unless `forked` is false.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        start_timeout: float = 30.0,
        forked: bool = True,
    ) -> None:
        """Start with the current environment without CSVMILL_* variables, plus `env`."""
        self._forked = (module, arguments) if forked and module in MODULES else None
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CSVMILL_")}
        super().__init__(
            [sys.executable, "-m", module, *arguments],
            log_path=log_path,
            env={**inherited, "PYTHONUNBUFFERED": "1", **(env or {})},
        )
        self._start_timeout = start_timeout

    def _start(
        self, env: dict[str, str], cwd: Path | None, account: Account | None, output: int
    ) -> subprocess.Popen[bytes] | ForkedProcess:
        if self._forked is None:
            return super()._start(env, cwd, account, output)
        with Path(os.devnull).open("rb") as nothing:
            return ForkedProcess(
                *self._forked,
                env=env,
                cwd=cwd,
                stdin=nothing.fileno(),
                stdout=output,
                stderr=output,
            )

    @property
    def url(self) -> str:
        """Its URL, such as `http://127.0.0.1:8000`. Waits until the service listens.

        To start several services in parallel, start all before reading the first `url`.
        """
        return self.wait_for_line(_LISTENING, timeout=self._start_timeout)["url"]

    @property
    def memory(self) -> int:
        """Return the resident memory of the process and its descendants, in bytes."""
        return sum(process.memory_info().rss for process in reaper.tree(self.pid))
