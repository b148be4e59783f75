"""The product deployed as eight processes on its real servers, every connection through a proxy."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import psutil
from yarl import URL

from tests.chaos.proxy import Link
from tests.chaos.schedule import (
    BROKER,
    CLIENT,
    DATABASE,
    GATEWAYS,
    LEASE,
    LINKS,
    PROCESSORS,
    STORAGE,
    link_name,
)
from tests.ports import free_port
from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

START_TIMEOUT = 60.0
STOP_TIMEOUT = 30.0
"""Seconds that a process has to end after SIGTERM."""
TOKEN = "a secret of the chaos"


class Service:
    """One of our processes, started as often as it is killed."""

    def __init__(self, name: str, module: str, env: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.defects: list[str] = []
        """What it did of itself that it must not do."""
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
        """Start it and wait until it listens; once more, as a supervisor would, if it fails."""
        if not await self._start():
            await self._start()

    async def _start(self) -> bool:
        self._starts += 1
        self._process = await asyncio.to_thread(
            ServiceProcess,
            self._module,
            log_path=self._folder / f"{self.name}-{self._starts:03d}.log",
            env=self._env,
            start_timeout=START_TIMEOUT,
        )
        try:
            await asyncio.to_thread(lambda: self._running.url)
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


class Cluster:
    """Two gateways, one storage, three processors, a database and a broker."""

    def __init__(self, folder: Path, postgres: PostgresServer, rabbit: RabbitServer) -> None:
        self.servers: Mapping[str, PostgresServer | RabbitServer] = {
            DATABASE: postgres,
            BROKER: rabbit,
        }
        self.services: dict[str, Service] = {}
        self.links: dict[str, Link] = {}
        self.data = folder / "data"
        self.scratch = folder / "scratch"
        self.logs = folder / "logs"
        self.logs.mkdir()
        self._rabbit = rabbit

    @property
    def gateway_urls(self) -> list[str]:
        """Where clients connect: through the proxies."""
        return [f"http://127.0.0.1:{self.links[link_name(CLIENT, name)].port}" for name in GATEWAYS]

    @property
    def defects(self) -> list[str]:
        """What processes did of themselves that they must not do."""
        return [defect for service in self.services.values() for defect in service.defects]

    @asynccontextmanager
    async def running(self, database_url: str, broker_url: str) -> AsyncIterator[Cluster]:
        """Every process runs when the context is entered, and none when it has been left."""

        async with AsyncExitStack() as stack:
            await self._open_links(stack, database_url, broker_url)
            try:
                await asyncio.gather(*(service.start() for service in self.services.values()))
                # What was declared less than 3 s before a broker is killed is lost: a defect of
                # RabbitMQ 3.10 that is not the subject.
                await asyncio.to_thread(self._rabbit.sync_tables)
                yield self
            finally:
                for service in self.services.values():
                    await asyncio.to_thread(service.destroy)

    async def stop(self) -> None:
        """SIGTERM to every service; those that do not end well are among `defects`."""
        await asyncio.gather(*(service.terminate() for service in self.services.values()))

    def leftovers(self) -> list[str]:
        """Scratch folders, and engines that still run, after `stop`."""
        folders = [f"scratch folder {path.name}" for path in self.scratch.glob("processor-*")]
        engines = []
        for process in psutil.process_iter(["pid", "cmdline"]):
            try:
                at_work = process.cwd().startswith(str(self.scratch))
            except psutil.Error:
                continue
            if at_work and process.status() != psutil.STATUS_ZOMBIE:
                engines.append(f"engine {process.pid}: {' '.join(process.info['cmdline'] or ())}")
        return folders + engines

    async def _open_links(self, stack: AsyncExitStack, database_url: str, broker_url: str) -> None:
        ports = {name: free_port() for name in (*GATEWAYS, STORAGE)}
        targets = {
            **ports,
            DATABASE: URL(database_url).port or 0,
            BROKER: URL(broker_url).port or 0,
        }
        for name in LINKS:
            link = Link(name, targets[name.rpartition(">")[2]])
            self.links[name] = await stack.enter_async_context(link.open())

        def through(source: str) -> dict[str, str]:
            def port(target: str) -> int:
                return self.links[link_name(source, target)].port

            return {
                "CSVMILL_DATABASE_URL": _at_port(database_url, port(DATABASE)),
                "CSVMILL_BROKER_URL": _at_port(broker_url, port(BROKER)),
                "CSVMILL_STORAGE_URL": f"http://127.0.0.1:{port(STORAGE)}",
            }

        self._add(STORAGE, "storage", {"CSVMILL_STORAGE_PORT": str(ports[STORAGE])})
        for name in GATEWAYS:
            self._add(name, "gateway", {**through(name), "CSVMILL_PORT": str(ports[name])})
        for name in PROCESSORS:
            self._add(name, "processor", {**through(name), "CSVMILL_PROCESSOR_PORT": "0"})

    def _add(self, name: str, module: str, env: Mapping[str, str]) -> None:
        self.services[name] = Service(name, module, {**self._settings(), **env}, self.logs)

    def _settings(self) -> dict[str, str]:
        return {
            "CSVMILL_STORAGE_TOKEN": TOKEN,
            "CSVMILL_DATA_DIR": str(self.data),
            "CSVMILL_SCRATCH_DIR": str(self.scratch),
            "CSVMILL_LEASE": str(LEASE),
            "CSVMILL_RETRY_DELAY": "0.5",
            "CSVMILL_RELAY_INTERVAL": "1",
            "CSVMILL_CONCURRENCY": "2",
            "CSVMILL_THREADS": "1",
            "CSVMILL_MEMORY_LIMIT": str(256 << 20),
            "CSVMILL_SHUTDOWN_TIMEOUT": "5",
            # That a worker is killed is not the fault of its job.
            "CSVMILL_MAX_ATTEMPTS": "50",
            "TMPDIR": str(self.logs.parent),
        }


def _at_port(url: str, port: int) -> str:
    # Not by yarl, which would rewrite what is quoted in the path.
    parts = URL(url)
    return url.replace(f":{parts.port}/", f":{port}/", 1)


def worker_name(pid: int) -> str:
    """How a processor with this process id calls itself in the table of attempts."""
    return f"{os.uname().nodename}:{pid}"
