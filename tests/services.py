"""The services as separate processes, with one database, one broker and one folder."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from shared.blobs.client import HttpBlobs
from tests.ports import free_port
from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

TOKEN = "a secret of the tests"
STOP_TIMEOUT = 30.0
"""Seconds in which a service has to end after SIGTERM."""


class Services:
    """Starts services that are configured for each other. Leaving the context kills them.

    Storage keeps its port when it is restarted. Keywords are settings: `processor(lease=2)` sets
    `CSVMILL_LEASE`.
    """

    def __init__(self, folder: Path, database_url: str, broker_url: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.database_url = database_url
        self.data_dir = folder / "data"
        self.scratch_dir = folder / "scratch"
        self._folder = folder
        self.broker_url = broker_url
        self._storage_port = free_port()
        self._started = ExitStack()
        self.storages: list[ServiceProcess] = []
        """The processes of storage, the latest last."""
        self._starts = 0

    @property
    def storage_url(self) -> str:
        """The URL of storage."""
        return f"http://127.0.0.1:{self._storage_port}"

    def blobs(self) -> HttpBlobs:
        """Return the client of storage that the other services use, as a context manager."""
        return HttpBlobs(self.storage_url, TOKEN)

    def storage(self, **settings: object) -> ServiceProcess:
        """Start storage. Its `url` waits until it listens."""
        process = self._start("storage", {"storage_port": self._storage_port, **settings})
        self.storages.append(process)
        return process

    def gateway(self, **settings: object) -> ServiceProcess:
        """Start a gateway."""
        return self._start("gateway", {"port": 0, **settings})

    def processor(self, pythonpath: str | None = None, /, **settings: object) -> ServiceProcess:
        """Start a processor with short intervals, and one slot for small jobs.

        With more, a paused one could be sent wake-ups that it holds until its heartbeat is missed.
        `pythonpath` is that of a process that needs more than is installed here.
        """
        return self._start(
            "processor",
            {
                "processor_port": 0,
                "lease": 2,
                "retry_delay": 0.2,
                "relay_interval": 0.3,
                "threads": 1,
                "small_jobs": 1,
                **settings,
            },
            pythonpath,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._started.close()

    def _start(
        self, module: str, settings: dict[str, object], pythonpath: str | None = None
    ) -> ServiceProcess:
        self._starts += 1
        known = {
            "database_url": self.database_url,
            "broker_url": self.broker_url,
            "storage_url": self.storage_url,
            "storage_token": TOKEN,
            "data_dir": self.data_dir,
            "scratch_dir": self.scratch_dir,
        }
        return self._started.enter_context(
            ServiceProcess(
                module,
                log_path=self._folder / f"{module}-{self._starts}.log",
                env={
                    f"CSVMILL_{name.upper()}": str(value)
                    for name, value in {**known, **settings}.items()
                }
                | ({} if pythonpath is None else {"PYTHONPATH": pythonpath}),
                # A process that was forked has its path already.
                forked=pythonpath is None,
            )
        )


def listening(*processes: ServiceProcess) -> None:
    """Wait until all processes listen."""
    for process in processes:
        assert process.url


async def line(process: ServiceProcess, pattern: str, timeout: float = 30.0) -> str:
    """Wait for a line of output without blocking the event loop; return the match."""
    found = await asyncio.to_thread(process.wait_for_line, pattern, timeout=timeout)
    return found[0]


async def until(condition: Callable[[], Awaitable[bool]], timeout: float = 30.0) -> None:
    """Poll a condition that no event reports: a row in the database, another process's file."""
    async with asyncio.timeout(timeout):
        while not await condition():  # noqa: ASYNC110  (other processes set no event)
            await asyncio.sleep(0.02)
