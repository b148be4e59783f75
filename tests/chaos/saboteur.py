"""Does to the cluster what the schedule says, and notes what was done to whom, and when."""

from __future__ import annotations

import asyncio
import logging
import time
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
    from collections.abc import Sequence

    from tests.chaos.cluster import Cluster
    from tests.chaos.schedule import Action
    from tests.chaos.service import Service
    from tests.servers.base import PrivateServer

LOOKOUT = 3.0
"""Seconds to wait for somebody to hold a job."""
LOOK_EVERY = 0.02
TURN = 10.0
"""Seconds to wait for one's turn: what would pile up behind a long outage is left out."""
HOLDERS = "SELECT worker FROM jobs WHERE state = 'STARTED' AND lease_until > $1"

# The second is what asyncpg raises on a connection to which the server has said farewell.
ASYNCPG_LOSSES = (asyncpg.InterfaceError, asyncpg.InternalClientError)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Strike:
    """One thing that was done. Times are Unix seconds."""

    fault: Fault
    target: str
    begun: float
    over: float
    worker: str | None = None
    """Of a processor: its name in the table of attempts."""


class Saboteur:
    """Acts on the cluster; one thing at a time on each process, server, link or disk."""

    def __init__(self, cluster: Cluster, database_url: str) -> None:
        self.strikes: list[Strike] = []
        self._cluster = cluster
        self._database_url = database_url
        self._locks = {
            name: asyncio.Lock()
            for name in (*cluster.services, *cluster.servers, *cluster.links, *DISKS)
        }

    async def carry_out(self, actions: Sequence[Action]) -> None:
        """Every action at its time. On return all processes run, links flow, disks have room."""
        loop = asyncio.get_running_loop()
        beginning = loop.time()
        async with asyncio.TaskGroup() as running:
            for action in actions:
                await asyncio.sleep(beginning + action.at - loop.time())
                running.create_task(self._act(action))

    async def _act(self, action: Action) -> None:
        target = action.target
        if action.fault is Fault.FILL and target not in self._cluster.disks:
            log.info("%s has no bounds here, and is not filled", target)
            return
        if action.in_mid_job:
            target = _of(await self._holder_of_a_job(), target)
        try:
            async with asyncio.timeout(TURN):
                await self._locks[target].acquire()
        except TimeoutError:
            log.info("%s %s is left out: something lasts", action.fault, target)
            return
        try:
            await self._strike(target, action)
        finally:
            self._locks[target].release()

    async def _strike(self, target: str, action: Action) -> None:
        service = self._cluster.services.get(target)
        worker = None
        if service and service.pid and target in PROCESSORS:
            worker = worker_name(service.pid)
        begun = time.time()
        log.info("%s %s for %.1f s (%s)", action.fault, target, action.lasts, worker or "-")
        if service:
            await self._strike_service(service, action)
        elif server := self._cluster.servers.get(target):
            await self._strike_server(server, action)
        elif disk := self._cluster.disks.get(target):
            await asyncio.to_thread(disk.fill, room=action.after)
            await asyncio.sleep(action.lasts)
            disk.free()
        else:
            await self._strike_link(target, action)
        over = time.time()
        log.info("%s %s is over after %.1f s", action.fault, target, over - begun)
        self.strikes.append(Strike(action.fault, target, begun, over, worker))

    async def _strike_service(self, service: Service, action: Action) -> None:
        if action.fault is Fault.PAUSE:
            service.pause()
            await asyncio.sleep(action.lasts)
            service.resume()
            return
        await (service.kill() if action.fault is Fault.KILL else service.terminate())
        await asyncio.sleep(action.lasts)
        await service.start()

    async def _strike_server(self, server: PrivateServer, action: Action) -> None:
        if action.fault is Fault.PAUSE:
            await asyncio.to_thread(server.pause)
            await asyncio.sleep(action.lasts)
            await asyncio.to_thread(server.resume)
            return
        await asyncio.to_thread(server.kill if action.fault is Fault.KILL else server.stop)
        await asyncio.sleep(action.lasts)
        await asyncio.to_thread(server.start)

    async def _strike_link(self, name: str, action: Action) -> None:
        link = self._cluster.links[name]
        if action.fault is Fault.CUT:
            link.cut(after=action.after, reset=action.reset)
            return
        if action.fault is Fault.SLOW:
            link.slow_down(action.lag)
            await asyncio.sleep(action.lasts)
            link.slow_down(0.0)
            return
        link.stall()
        await asyncio.sleep(action.lasts)
        link.flow()

    async def _holder_of_a_job(self) -> str | None:
        """A processor that has a job in hand at this moment and that nothing is being done to."""
        try:
            async with asyncio.timeout(LOOKOUT):
                connection = await asyncpg.connect(self._database_url, timeout=LOOKOUT)
                try:
                    return await self._look_out(connection)
                finally:
                    connection.terminate()
        except (OSError, TimeoutError, asyncpg.PostgresError, *ASYNCPG_LOSSES):
            return None

    async def _look_out(self, connection: asyncpg.Connection[asyncpg.Record]) -> str:
        while True:
            holders = {row["worker"] for row in await connection.fetch(HOLDERS, time.time())}
            for name in PROCESSORS:
                pid = self._cluster.services[name].pid
                if pid and worker_name(pid) in holders and not self._locks[name].locked():
                    return name
            await asyncio.sleep(LOOK_EVERY)


def _of(holder: str | None, target: str) -> str:
    """The holder of a job, or its link to where the scheduled one leads; `target` without one."""
    _, link, end = target.rpartition(">")
    if holder is None:
        return target
    return link_name(holder, end) if link else holder
