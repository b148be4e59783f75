"""The services as processes on real servers, every connection through a proxy."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import psutil
from yarl import URL

from tests.blob_backends import BUCKET
from tests.chaos.inputs import FOLLOWED
from tests.chaos.proxy import Link
from tests.chaos.schedule import (
    BROKER,
    CLIENT,
    DATABASE,
    DISKS,
    GATEWAYS,
    LEASE,
    LINKS,
    OBJECTS,
    OTHER_STORAGE,
    PROCESSORS,
    SCRATCH_DISK,
    STORAGE,
    STORAGE_DISK,
    STORAGE_LOST_AFTER,
    link_name,
)
from tests.chaos.service import Service
from tests.ports import free_port
from tests.tiny_disk import CannotMount, TinyDisk, mounted_disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.servers.base import PrivateServer
    from tests.servers.object_storage import ObjectStorage
    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

TOKEN = "a secret of the chaos"
DISK_SIZE = 1 << 30
"""Bytes of each disk. Sweeping keeps most of them free."""
RESULT_TTL = 40.0
"""Seconds for which a finished job is kept. Outages may delay a client for longer."""
UPLOAD_TTL = 180.0
"""Seconds for which an idle upload is kept. No outage is as long."""
FEW_ATTEMPTS = 1
"""Attempts of jobs that the second gateway creates: some fail, and clients retry most of these."""

log = logging.getLogger(__name__)


class Cluster:
    """Two gateways, one storage, three processors, a database and a broker.

    With `objects`, two storage servers keep complete blobs there.
    """

    def __init__(
        self,
        folder: Path,
        postgres: PostgresServer,
        rabbit: RabbitServer,
        objects: ObjectStorage | None = None,
    ) -> None:
        self.servers: dict[str, PrivateServer] = {DATABASE: postgres, BROKER: rabbit}
        if objects is not None:
            self.servers[OBJECTS] = objects
        self.storage_urls: list[str] = []
        """Where the storage servers are, without proxies."""
        self._objects = objects
        self.services: dict[str, Service] = {}
        self.links: dict[str, Link] = {}
        self.disks: dict[str, TinyDisk] = {}
        """The disks that can be filled; empty without the right to mount."""
        self.data = folder / STORAGE_DISK / "data"
        self.scratch = folder / SCRATCH_DISK / "scratch"
        self._folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir()
        self._rabbit = rabbit

    @property
    def gateway_urls(self) -> list[str]:
        """The URLs of the gateways through their proxies."""
        return [f"http://127.0.0.1:{self.links[link_name(CLIENT, name)].port}" for name in GATEWAYS]

    @property
    def defects(self) -> list[str]:
        """Violations by processes: unexpected ends, failed starts, wrong exit codes."""
        return [defect for service in self.services.values() for defect in service.defects]

    @asynccontextmanager
    async def running(self, database_url: str, broker_url: str) -> AsyncIterator[Cluster]:
        """Run every process while the context is open."""

        async with AsyncExitStack() as stack:
            self._mount_disks(stack)
            await self._open_links(stack, database_url, broker_url)
            try:
                await asyncio.gather(*(service.start() for service in self.services.values()))
                # RabbitMQ 3.10 loses queues declared less than 3 s before a SIGKILL.
                await asyncio.to_thread(self._rabbit.sync_tables)
                yield self
            finally:
                for service in self.services.values():
                    await asyncio.to_thread(service.destroy)

    async def sweep_everything(self) -> None:
        """Restart the processors with settings that keep every result and no incomplete upload."""
        for name in PROCESSORS:
            self.services[name].overrides = {
                "CSVMILL_RESULT_TTL": "86400",
                "CSVMILL_UPLOAD_TTL": "1",
            }

        async def restart(service: Service) -> None:
            await service.terminate()
            await service.start()

        await asyncio.gather(*(restart(self.services[name]) for name in PROCESSORS))

    async def stop(self) -> None:
        """Send SIGTERM to every service. A wrong exit is added to `defects`."""
        await asyncio.gather(*(service.terminate() for service in self.services.values()))

    def leftovers(self) -> list[str]:
        """Return scratch folders and running engines that `stop` left behind."""
        folders = [f"scratch folder {path.name}" for path in self.scratch.glob("processor-*")]
        engines = []
        for process in psutil.process_iter(["pid", "cmdline"]):
            try:
                is_engine = process.cwd().startswith(str(self.scratch))
            except psutil.Error:
                continue
            if is_engine and process.status() != psutil.STATUS_ZOMBIE:
                engines.append(f"engine {process.pid}: {' '.join(process.info['cmdline'] or ())}")
        return folders + engines

    def _mount_disks(self, stack: AsyncExitStack) -> None:
        for name in DISKS:
            try:
                disk = stack.enter_context(mounted_disk(self._folder / name, DISK_SIZE))
            except CannotMount as reason:
                log.info("%s cannot be filled because it cannot be mounted: %s", name, reason)
            else:
                self.disks[name] = disk

    async def _open_links(self, stack: AsyncExitStack, database_url: str, broker_url: str) -> None:
        ports = {name: free_port() for name in (*GATEWAYS, STORAGE, OTHER_STORAGE)}
        targets = {
            **ports,
            DATABASE: URL(database_url).port or 0,
            BROKER: URL(broker_url).port or 0,
        }
        storages = (STORAGE,) if self._objects is None else (STORAGE, OTHER_STORAGE)
        self.storage_urls = [f"http://127.0.0.1:{ports[name]}" for name in storages]
        for name in LINKS:
            link = Link(name, targets[name.rpartition(">")[2]])
            self.links[name] = await stack.enter_async_context(link.open())

        def through(source: str) -> dict[str, str]:
            def port(target: str) -> int:
                return self.links[link_name(source, target)].port

            return {
                "CSVMILL_DATABASE_URL": _at_port(database_url, port(DATABASE)),
                "CSVMILL_BROKER_URL": _at_port(broker_url, port(BROKER)),
                # The same URLs name several servers in all processes, so no proxy is between.
                "CSVMILL_STORAGE_URL": f"http://127.0.0.1:{port(STORAGE)}"
                if self._objects is None
                else ",".join(self.storage_urls),
            }

        for name in storages:
            env = {"CSVMILL_STORAGE_PORT": str(ports[name]), **self._blobs()}
            if name != STORAGE:
                env["CSVMILL_DATA_DIR"] = str(self._folder / f"data-of-{name}")
            self._add(name, "storage", env)
        for name in GATEWAYS:
            self._add(name, "gateway", {**through(name), "CSVMILL_PORT": str(ports[name])})
        # Other jobs have enough attempts: killed workers must not make them fail.
        self.services[GATEWAYS[-1]].overrides = {"CSVMILL_MAX_ATTEMPTS": str(FEW_ATTEMPTS)}
        for name in PROCESSORS:
            self._add(name, "processor", {**through(name), "CSVMILL_PROCESSOR_PORT": "0"})

    def _blobs(self) -> dict[str, str]:
        if self._objects is None:
            return {}
        return {
            "CSVMILL_BLOBS": f"s3://{BUCKET}/chaos",
            "CSVMILL_BLOBS_PART_SIZE": str(5 << 20),
            "CSVMILL_S3_ENDPOINT": self._objects.url,
            "CSVMILL_S3_ACCESS_KEY_ID": self._objects.access_key,
            "CSVMILL_S3_SECRET_ACCESS_KEY": self._objects.secret_key,
        }

    def _add(self, name: str, module: str, env: Mapping[str, str]) -> None:
        self.services[name] = Service(name, module, {**self._settings(), **env}, self.logs)

    def _settings(self) -> dict[str, str]:
        return {
            "CSVMILL_LOG_FORMAT": "text",
            "CSVMILL_STORAGE_TOKEN": TOKEN,
            "CSVMILL_DATA_DIR": str(self.data),
            "CSVMILL_SCRATCH_DIR": str(self.scratch),
            "CSVMILL_LEASE": str(LEASE),
            "CSVMILL_RETRY_DELAY": "0.5",
            "CSVMILL_RELAY_INTERVAL": "1",
            "CSVMILL_CONCURRENCY": "2",
            "CSVMILL_HEAD_START_SIZE": str(FOLLOWED),
            "CSVMILL_HEAD_START_INTERVAL": "0.1",
            "CSVMILL_HEAD_START_STALL": "10",
            "CSVMILL_THREADS": "1",
            "CSVMILL_MEMORY_LIMIT": str(256 << 20),
            "CSVMILL_SHUTDOWN_TIMEOUT": "5",
            "CSVMILL_STORAGE_LOST_AFTER": str(STORAGE_LOST_AFTER),
            "CSVMILL_RESULT_TTL": str(RESULT_TTL),
            "CSVMILL_UPLOAD_TTL": str(UPLOAD_TTL),
            "CSVMILL_SWEEP_INTERVAL": "2",
            "CSVMILL_SWEEP_GRACE": "1",
            "CSVMILL_MAX_ATTEMPTS": "50",
            "TMPDIR": str(self.logs.parent),
        }


def _at_port(url: str, port: int) -> str:
    # yarl would rewrite quoted characters in the path.
    parts = URL(url)
    return url.replace(f":{parts.port}/", f":{port}/", 1)
