"""One service process, restarted whenever it ends."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

START_TIMEOUT = 180.0
"""Seconds. The database may be down for a minute and then has to start."""
STARTS = 5
STOP_TIMEOUT = 30.0
"""Seconds within which a process must exit after SIGTERM."""


class Service:
    """A service with one name, port and set of settings across restarts."""

    def __init__(self, name: str, module: str, env: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.defects: list[str] = []
        """Unexpected ends, failed starts and wrong exit codes."""
        self.overrides: dict[str, str] = {}
        """Settings that change with its next start."""
        self._module = module
        self._env = env
        self._folder = folder
        self._starts = 0
        self._process: ServiceProcess | None = None

    @property
    def pid(self) -> int | None:
        """The id of the running process."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process and wait until it listens. Restart it if it ends."""
        for _ in range(STARTS):
            if await self._start():
                return

    async def _start(self) -> bool:
        self._starts += 1
        process = self._process = await asyncio.to_thread(
            ServiceProcess,
            self._module,
            log_path=self._folder / f"{self.name}-{self._starts:03d}.log",
            env={**self._env, **self.overrides},
            start_timeout=START_TIMEOUT,
        )
        try:
            await asyncio.to_thread(lambda: process.url)
        except AssertionError as error:
            self.defects.append(f"{self.name} did not start: {error}")
            await self._dispose()
            return False
        return True

    async def kill(self) -> None:
        """Send SIGKILL to the process but not to its children."""
        if self.check_alive():
            await asyncio.to_thread(self._running.kill)
        await self._dispose()

    async def terminate(self) -> None:
        """Send SIGTERM. The process must exit with 0 in time."""
        if not self.check_alive():
            await self._dispose()
            return
        try:
            code = await asyncio.to_thread(self._running.terminate, STOP_TIMEOUT)
        except AssertionError as error:
            self.defects.append(f"{self.name} did not stop: {error}")
        else:
            if code != 0:
                self.defects.append(f"{self.name} ended with {code} after SIGTERM")
        await self._dispose()

    def pause(self) -> None:
        """Send SIGSTOP."""
        if self.check_alive():
            self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT."""
        if self.check_alive():
            self._running.send_signal(signal.SIGCONT)

    def check_alive(self) -> bool:
        """Return whether the process runs. An exit by itself is a defect."""
        if self._process is None:
            return False  # it did not start, which is a recorded defect
        code = self._process.returncode
        if code is not None:
            self.defects.append(
                f"{self.name} (start {self._starts}) ended by itself with {code}:\n"
                f"{self._process.tail()}"
            )
        return code is None

    def destroy(self) -> None:
        """End the process if it runs."""
        if self._process:
            self._process.destroy()
            self._process = None

    async def _dispose(self) -> None:
        # Its engines run in other sessions and are not killed.
        await asyncio.to_thread(self.destroy)

    @property
    def _running(self) -> ServiceProcess:
        assert self._process, f"{self.name} was never started"
        return self._process


def worker_name(pid: int) -> str:
    """Return the name of a processor in the table of attempts, by its process id."""
    return f"{os.uname().nodename}:{pid}"
