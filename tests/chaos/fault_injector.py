"""Injects the scheduled faults into the cluster, and records them."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from tests.chaos.schedule import (
    DISKS,
    PROCESSORS,
    Fault,
    link_name,
)
from tests.chaos.service import worker_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.chaos.cluster import Cluster
    from tests.chaos.schedule import Action
    from tests.chaos.service import Service
    from tests.servers.base import PrivateServer

HOLDER_TIMEOUT = 3.0
"""Seconds to wait for a processor that holds a job."""
POLL_INTERVAL = 0.02
LOCK_TIMEOUT = 10.0
"""Seconds to wait for a target that has another fault. Later faults are skipped."""
HOLDERS = "SELECT worker FROM jobs WHERE state = 'STARTED' AND lease_until > $1"
HELD = """
SELECT count(*) FROM jobs
WHERE worker = $1 AND state = 'STARTED' AND lease_until > $2 AND failures + 1 < max_attempts
"""
"""The jobs of a killed worker that will run again."""

# asyncpg raises InternalClientError if the server closes a connection during a query.
ASYNCPG_LOSSES = (asyncpg.InterfaceError, asyncpg.InternalClientError)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Injection:
    """One injected fault. Times are Unix seconds."""

    fault: Fault
    target: str
    began: float
    over: float
    worker: str | None = None
    """The name of the target in the table of attempts, if it is a processor."""


class FaultInjector:
    """Injects faults, one at a time into each process, server, link or disk."""

    def __init__(self, cluster: Cluster, database_url: str) -> None:
        self.injections: list[Injection] = []
        self.workers_killed_with_a_job = 0
        """As seen in the database right after the kill. Kills during its outages do not count."""
        self._cluster = cluster
        self._database_url = database_url
        self._locks = {
            name: asyncio.Lock()
            for name in (*cluster.services, *cluster.servers, *cluster.links, *DISKS)
        }

    async def run(
        self, actions: Sequence[Action], overtime: Sequence[Action], enough: Callable[[], bool]
    ) -> None:
        """Inject each fault at its time, then those of the overtime until `enough`.

        On return every target works again.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with asyncio.TaskGroup() as running:
            for number, action in enumerate([*actions, *overtime]):
                if number >= len(actions) and enough():
                    break
                await asyncio.sleep(started + action.at - loop.time())
                running.create_task(self._act(action))

    async def _act(self, action: Action) -> None:
        target = action.target
        if action.fault is Fault.FILL and target not in self._cluster.disks:
            log.info("%s is not mounted and cannot be filled", target)
            return
        if action.hits_job_holder:
            target = _of(await self._holder_of_a_job(), target)
        try:
            async with asyncio.timeout(LOCK_TIMEOUT):
                await self._locks[target].acquire()
        except TimeoutError:
            log.info("%s %s is skipped: another fault is active", action.fault, target)
            return
        try:
            await self._inject(target, action)
        finally:
            self._locks[target].release()

    async def _inject(self, target: str, action: Action) -> None:
        service = self._cluster.services.get(target)
        worker = None
        if service and service.pid and target in PROCESSORS:
            worker = worker_name(service.pid)
        began = time.time()
        log.info("%s %s for %.1f s (%s)", action.fault, target, action.duration, worker or "-")
        if service:
            await self._inject_into_service(service, action, worker)
        elif server := self._cluster.servers.get(target):
            await self._inject_into_server(server, action)
        elif disk := self._cluster.disks.get(target):
            await asyncio.to_thread(disk.fill, room=action.after)
            await asyncio.sleep(action.duration)
            disk.free()
        else:
            await self._inject_into_link(target, action)
        over = time.time()
        log.info("%s %s is over after %.1f s", action.fault, target, over - began)
        self.injections.append(Injection(action.fault, target, began, over, worker))

    async def _inject_into_service(
        self, service: Service, action: Action, worker: str | None
    ) -> None:
        if action.fault is Fault.PAUSE:
            service.pause()
            await asyncio.sleep(action.duration)
            service.resume()
            return
        if action.fault is Fault.KILL:
            await service.kill()
            if worker and await self._holds_a_job(worker):
                self.workers_killed_with_a_job += 1
                log.info("%s was killed with a job", worker)
        else:
            await service.terminate()
        await asyncio.sleep(action.duration)
        await service.start()

    async def _inject_into_server(self, server: PrivateServer, action: Action) -> None:
        if action.fault is Fault.PAUSE:
            await asyncio.to_thread(server.pause)
            await asyncio.sleep(action.duration)
            await asyncio.to_thread(server.resume)
            return
        await asyncio.to_thread(server.kill if action.fault is Fault.KILL else server.stop)
        await asyncio.sleep(action.duration)
        await asyncio.to_thread(server.start)

    async def _inject_into_link(self, name: str, action: Action) -> None:
        link = self._cluster.links[name]
        if action.fault is Fault.CUT:
            link.cut(after=action.after, reset=action.reset)
            return
        if action.fault is Fault.SLOW:
            link.slow_down(action.lag)
            await asyncio.sleep(action.duration)
            link.slow_down(0.0)
            return
        link.stall()
        await asyncio.sleep(action.duration)
        link.flow()

    async def _holder_of_a_job(self) -> str | None:
        """Return a processor that holds a job and has no fault; None if there is none in time."""
        try:
            async with self._connected() as connection:
                return await self._wait_for_holder(connection)
        except (OSError, TimeoutError, asyncpg.PostgresError, *ASYNCPG_LOSSES):
            return None

    async def _holds_a_job(self, worker: str) -> bool:
        """Return whether a killed worker left a job; False if the database does not say."""
        try:
            async with self._connected() as connection:
                return bool(await connection.fetchval(HELD, worker, time.time()))
        except (OSError, TimeoutError, asyncpg.PostgresError, *ASYNCPG_LOSSES):
            return False

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        async with asyncio.timeout(HOLDER_TIMEOUT):
            connection = await asyncpg.connect(self._database_url, timeout=HOLDER_TIMEOUT)
            try:
                yield connection
            finally:
                connection.terminate()

    async def _wait_for_holder(self, connection: asyncpg.Connection[asyncpg.Record]) -> str:
        while True:
            holders = {row["worker"] for row in await connection.fetch(HOLDERS, time.time())}
            for name in PROCESSORS:
                pid = self._cluster.services[name].pid
                if pid and worker_name(pid) in holders and not self._locks[name].locked():
                    return name
            await asyncio.sleep(POLL_INTERVAL)


def _of(holder: str | None, target: str) -> str:
    """Return `holder`, or its link to the end of the link `target`; `target` without a holder."""
    _, link, end = target.rpartition(">")
    if holder is None:
        return target
    return link_name(holder, end) if link else holder
