"""The standalone service that a page is opened from."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from csvmill.client import AsyncClient
from tests.ports import free_port
from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from pathlib import Path

STOP_TIMEOUT = 30.0


class Service:
    """`csvmill serve` on a port and with a folder that it keeps when it is restarted.

    Args:
        folder: where its data and logs are kept.
        settings: keywords as settings, `lease=2` as `CSVMILL_LEASE`.
    """

    def __init__(self, folder: Path, **settings: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._port = free_port()
        self._settings = {
            "relay_interval": 0.5,
            "progress_interval": 0.1,
            "follow_interval": 0.1,
            "scratch_dir": folder / "scratch",
            **settings,
        }
        self._starts = 0
        self.process: ServiceProcess | None = None
        """The process while it runs."""

    @property
    def port(self) -> int:
        """Its port."""
        return self._port

    @property
    def origin(self) -> str:
        """The origin of its pages, such as `http://127.0.0.1:8000`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The URL of its page."""
        return f"{self.origin}/"

    @property
    def data_dir(self) -> Path:
        """The folder of its data."""
        return self._folder / "data"

    def client(self, api_key: str | None = None) -> AsyncClient:
        """Return a client of the API, as a context manager."""
        return AsyncClient(self.origin, api_key=api_key)

    async def create_key(self, *arguments: str) -> str:
        """Create an API key in its data folder; return the key."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "csvmill", "keys", "create", "--name", "page",
            "--data-dir", str(self._folder / "data"), *arguments,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        printed, _ = await process.communicate()
        assert process.returncode == 0
        return printed.decode().strip()

    async def start(self) -> None:
        """Start it, and return when it listens."""
        assert self.process is None, "it runs already"
        self._starts += 1
        self.process = ServiceProcess(
            "csvmill", "serve", "--port", str(self._port), "--data-dir", str(self._folder / "data"),
            log_path=self._folder / f"serve-{self._starts}.log",
            env={f"CSVMILL_{name.upper()}": str(value) for name, value in self._settings.items()},
        )  # fmt: skip
        await asyncio.to_thread(lambda running: running.url, self.process)

    async def kill(self) -> None:
        """End it by SIGKILL, if it runs."""
        if self.process is not None:
            await asyncio.to_thread(self.process.destroy)
            self.process = None

    async def stop(self) -> int:
        """End it by SIGTERM; return the exit code."""
        assert self.process is not None, "it does not run"
        code = await asyncio.to_thread(self.process.terminate, STOP_TIMEOUT)
        self.process.destroy()
        self.process = None
        return code

    async def restart(self) -> None:
        """End it by SIGKILL and start it again, at the same port and with the same data."""
        await self.kill()
        await self.start()
