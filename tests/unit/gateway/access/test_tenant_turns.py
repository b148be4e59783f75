"""Work that tenants do in turn, and the requests that wait for it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from gateway.access.tenant_turns import TenantTurns
from gateway.inspections.start import READ_AT_A_TIME
from gateway.results.sorts import Sorts
from tests.forwarding import Forwarding
from tests.unit.gateway.access.tenants import OTHER, OWNER, Belongings, ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.access.tenant import Tenant
    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Start

MANY = READ_AT_A_TIME + 3


@pytest.mark.parametrize("kind", [TenantTurns, Sorts])
async def test_a_tenant_waits_for_one_turn_of_another_that_has_many_requests(kind: Any) -> None:
    turn = kind(1).one
    order: list[Tenant] = []
    may_end = asyncio.Event()

    async def work(tenant: Tenant) -> None:
        async with turn(tenant):
            order.append(tenant)
            await may_end.wait()

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        for tenant in (OWNER, OWNER, OWNER, OTHER, OTHER):
            tasks.create_task(work(tenant))
            await asyncio.sleep(0)
        may_end.set()
    assert order == [OWNER, OTHER, OWNER, OTHER, OWNER]


async def test_a_turn_that_does_not_come_in_time_is_given_up_and_keeps_nobody_waiting() -> None:
    turns = TenantTurns(1)
    async with turns.one(OWNER):
        for tenant in (OWNER, OTHER):
            with pytest.raises(TimeoutError):
                async with turns.one(tenant, wait=0.01):
                    pass
    async with asyncio.timeout(10):
        for tenant in (OWNER, OTHER):
            async with turns.one(tenant, wait=10):
                pass


class GatedBlobs(Forwarding):
    """Counts reads, which wait until they may."""

    def __init__(self, behind: FilesystemBlobs) -> None:
        self._behind = behind
        self._changed = asyncio.Condition()
        self.reading: list[str] = []
        self.may_read = asyncio.Event()

    @asynccontextmanager
    async def open(self, key: Any, *args: Any) -> AsyncIterator[Any]:
        async with self._changed:
            self.reading.append(key)
            self._changed.notify_all()
        await self.may_read.wait()
        async with self._behind.open(key, *args) as pieces:
            yield pieces

    async def read(self, count: int) -> None:
        """Wait until `count` reads have begun."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.reading) >= count)


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("POST", "/api/v1/uploads/{}/inspect", "whole"),
        ("GET", "/api/v1/jobs/{}/preview", "SUCCESS"),
        ("GET", "/api/v1/jobs/{}/preview?order_by=1", "SUCCESS"),
    ],
)
async def test_many_requests_of_a_tenant_do_not_keep_one_of_another_waiting(
    start_gateway: Start, method: str, path: str, named: str
) -> None:
    gates: list[GatedBlobs] = []

    def in_front(blobs: Any) -> Any:
        gates.append(GatedBlobs(blobs))
        return gates[0]

    gateway = await start_gateway(auth="keys", blobs=in_front, max_sorts=2)
    ids = {}
    for tenant in (OWNER, OTHER):
        owned = await Belongings.of(gateway, tenant)
        ids[tenant] = {**owned.names, **owned.jobs}[named]

    def send(tenant: Tenant) -> asyncio.Task[int]:
        async def status() -> int:
            return (await ask(gateway, tenant, method, path.format(ids[tenant]))).status

        return tasks.create_task(status())

    async with asyncio.TaskGroup() as tasks:
        sent = [send(OWNER) for _ in range(MANY)]
        await gates[0].read(1)
        sent.append(send(OTHER))
        await gates[0].read(2)
        # The second is that of the other tenant
        assert len(set(gates[0].reading)) == 2
        gates[0].may_read.set()
    assert [answer.result() for answer in sent] == [200] * (MANY + 1)
