"""Actors that stop before and after each call of a port, and attempts of workers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.blobs.blob import BlobKey, rejects_key, result_key

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Awaitable,
        Callable,
        Coroutine,
    )

    from shared.jobs.job import Job


class Actor:
    """Runs to a gate, and then to the next one at each `step`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.last_call = 0.0
        """The time of the latest call of a port."""
        self._clock = clock
        self._waits = asyncio.Event()
        self._may_go = asyncio.Event()
        self._task: asyncio.Task[None]

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.ensure_future(work)

    async def step(self) -> bool:
        """Run to the next gate; return whether there was one. Raises errors of the work."""
        self._waits.clear()
        self._may_go.set()
        waiting = asyncio.ensure_future(self._waits.wait())
        await asyncio.wait((self._task, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            self._task.result()
            return False
        return True

    async def kill(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def gate(self) -> None:
        self._waits.set()
        await self._may_go.wait()
        self._may_go.clear()

    def behind_gates(self, port: object) -> Any:
        return Gated(port, self)

    async def call(self, method: Callable[..., Awaitable[Any]], *args: Any, **named: Any) -> Any:
        await self.gate()
        answer = await method(*args, **named)
        self.last_call = self._clock()
        await self.gate()
        return answer


class Gated:
    """A port whose every method stops at a gate before and after."""

    def __init__(self, port: object, actor: Actor) -> None:
        self._port = port
        self._actor = actor

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name in ("access", "unneeded"):  # quotas and lists that no interleaving is about
            return method
        if name == "datasets":
            return Gated(method, self._actor)
        if name == "walk":
            return lambda kind: self._walk(method, kind)
        return lambda *args, **named: self._actor.call(method, *args, **named)

    @asynccontextmanager
    async def _walk(self, walk: Any, kind: str) -> AsyncIterator[AsyncIterator[Any]]:
        await self._actor.gate()
        async with walk(kind) as found:
            yield found


@dataclass
class Attempt:
    """An attempt of a worker, which may have lost its lease without noticing."""

    job: Job
    written: bool = False

    @property
    def output(self) -> BlobKey:
        return result_key(self.job.id, self.job.attempt)

    @property
    def rejects(self) -> BlobKey:
        return rejects_key(self.job.id, self.job.attempt)
