"""Start csvmill for a measurement, as one process or as three services."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psutil

from tests.processes import ServiceProcess
from tests.servers.postgres import PostgresServer
from tests.servers.rabbitmq import RabbitServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MODES = ("standalone", "services", "streamed")
"""One process; three services with a processor that reads storage's folder directly; three services
with a processor that reads its input over HTTP, as on another machine."""
SAMPLE_INTERVAL = 0.05
"""Seconds between two measurements of memory."""


class MemoryWatch:
    """Measures the peak resident memory of processes and their children."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self.peaks: dict[str, int] = {}
        """Bytes by process name; children are `<name>: engine`."""
        self.at_start: dict[str, int] = {}
        self._processes = {name: psutil.Process(pid) for name, pid in processes.items()}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._measure()
        self.at_start = dict(self.peaks)
        self._thread.start()

    def reset(self) -> None:
        """Reset the peaks and `at_start` to the current values."""
        self.peaks = {}
        self._measure()
        self.at_start = dict(self.peaks)

    def stop(self) -> None:
        """Stop measuring."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(SAMPLE_INTERVAL):
            self._measure()

    def _measure(self) -> None:
        for name, process in self._processes.items():
            try:
                self._note(name, process.memory_info().rss)
                for child in process.children(recursive=True):
                    self._note(f"{name}: engine", child.memory_info().rss)
            except psutil.NoSuchProcess:
                continue

    def _note(self, name: str, rss: int) -> None:
        self.peaks[name] = max(self.peaks.get(name, 0), rss)


@contextmanager
def running(mode: str, folder: Path, settings: Mapping[str, str]) -> Iterator[dict[str, str | int]]:
    """Start csvmill in `folder`. Yields `url`, and the process id of each process by name."""
    with ExitStack() as stack:
        if mode == "standalone":
            service = stack.enter_context(
                ServiceProcess(
                    "csvmill", "serve", "--port", "0", "--data-dir", str(folder / "data"),
                    log_path=folder / "standalone.log", env=settings,
                )
            )  # fmt: skip
            yield {"url": service.url, "standalone": service.pid}
            service.terminate(60)
            return
        database = stack.enter_context(PostgresServer())
        broker = stack.enter_context(RabbitServer())
        common = {
            "CSVMILL_STORAGE_TOKEN": "benchmark",
            "CSVMILL_DATABASE_URL": database.url,
            "CSVMILL_BROKER_URL": broker.url,
            **settings,
        }

        def start(name: str, port_variable: str, **env: str) -> ServiceProcess:
            return stack.enter_context(
                ServiceProcess(
                    name, log_path=folder / f"{name}.log", env={**common, port_variable: "0", **env}
                )
            )

        storage = start("storage", "CSVMILL_STORAGE_PORT", CSVMILL_DATA_DIR=str(folder / "data"))
        gateway = start("gateway", "CSVMILL_PORT", CSVMILL_STORAGE_URL=storage.url)
        folder_shared = {"CSVMILL_BLOB_DIR": str(folder / "data")} if mode == "services" else {}
        processor = start(
            "processor", "CSVMILL_PROCESSOR_PORT", CSVMILL_STORAGE_URL=storage.url, **folder_shared
        )
        yield {
            "url": gateway.url,
            "gateway": gateway.pid,
            "storage": storage.pid,
            "processor": processor.pid if processor.url else 0,
        }
        for service in (processor, gateway, storage):
            service.terminate(60)
