"""One of our processes, started as often as it is ended."""

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
"""Seconds: the database may be away for a minute, and then has to start itself."""
STARTS = 5
STOP_TIMEOUT = 30.0
"""Seconds that a process has to end after SIGTERM."""


class Service:
    """A service under one name, on one port and with one set of settings, whatever its process."""

    def __init__(self, name: str, module: str, env: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.defects: list[str] = []
        """What it did of itself that it must not do."""
        self.overrides: dict[str, str] = {}
        """Settings that differ from its next start on."""
        self._module = module
        self._env = env
        self._folder = folder
        self._starts = 0
        self._process: ServiceProcess | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that runs."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start it and wait until it listens; again, as a supervisor would, if it ends."""
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
        """SIGKILL the process alone: its children have to notice by themselves."""
        if self.check_alive():
            await asyncio.to_thread(self._running.kill)
        await self._dispose()

    async def terminate(self) -> None:
        """SIGTERM, upon which it has to end in order and in time."""
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
        """SIGSTOP."""
        if self.check_alive():
            self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        if self.check_alive():
            self._running.send_signal(signal.SIGCONT)

    def check_alive(self) -> bool:
        """Whether it runs; that it does not, though nobody ended it, is a defect."""
        if self._process is None:
            return False  # it did not start, which is noted
        code = self._process.returncode
        if code is not None:
            self.defects.append(
                f"{self.name} (start {self._starts}) ended by itself with {code}:\n"
                f"{self._process.tail()}"
            )
        return code is None

    def destroy(self) -> None:
        """End it, if it runs."""
        if self._process:
            self._process.destroy()
            self._process = None

    async def _dispose(self) -> None:
        # An engine that it has started is of another session, and left alone.
        await asyncio.to_thread(self.destroy)

    @property
    def _running(self) -> ServiceProcess:
        assert self._process, f"{self.name} was never started"
        return self._process


def worker_name(pid: int) -> str:
    """How a processor with this process id calls itself in the table of attempts."""
    return f"{os.uname().nodename}:{pid}"
