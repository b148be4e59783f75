"""Passwords of a running stack are replaced while clients use it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import aiohttp

from csvmill.client import AsyncClient
from tests.compose.files import Sample
from tests.compose.stack import CommandFailed
from tests.compose.waiting import documented, result_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compose.stack import Stack

REFUSED = ("InvalidPasswordError", "ProbableAuthenticationError", "ACCESS_REFUSED")
"""What the drivers say of a password that is not valid."""


class Traffic:
    """Requests that need the database, one after the other, and jobs."""

    def __init__(self, url: str, sample: Sample, folder: Path) -> None:
        self.statuses: Counter[object] = Counter()
        self.results: list[bytes] = []
        self._url = url
        self._sample = sample
        self._folder = folder
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Traffic:
        self._tasks = [asyncio.create_task(work()) for work in (self._ask, self._run_jobs)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _ask(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"{self._url}/api/v1/jobs") as response:
                        await response.read()
                        self.statuses[response.status] += 1
                except aiohttp.ClientError as error:
                    self.statuses[type(error).__name__] += 1
                await asyncio.sleep(0.05)

    async def _run_jobs(self) -> None:
        async with AsyncClient(self._url) as client:
            while True:
                job_id = await client.upload(self._sample.path)
                self.results.append(await result_of(client, job_id, self._folder))


async def test_passwords_are_replaced_without_a_refused_request(
    stack: Stack, tmp_path: Path
) -> None:
    restart, postgres, rabbitmq, finish, *_ = documented("### Change a password")
    sample = Sample(tmp_path / "plays.csv", 1_000)
    old = {name: (stack.secrets / name).read_text() for name in ("database_url", "broker_url")}
    names = {name for service in ("gateway", "processor") for name in stack.containers(service)}
    async with Traffic(stack.url, sample, tmp_path) as traffic:
        for commands in (postgres, rabbitmq, restart, finish):
            await asyncio.to_thread(stack.shell, commands, tmp_path)
    # Then no request was refused, and every job has its result
    assert set(traffic.statuses) == {200}, traffic.statuses
    assert traffic.statuses[200] > 50
    assert traffic.results
    assert set(traffic.results) == {sample.result}
    # And the same containers use other passwords, with which alone one can connect
    assert names == {n for service in ("gateway", "processor") for n in stack.containers(service)}
    for name, url in old.items():
        new = (stack.secrets / name).read_text()
        assert new != url
        assert await connects(stack, new)
        assert not await connects(stack, url)


async def connects(stack: Stack, url: str) -> bool:
    """Whether a service can connect to a database or a broker."""
    module = "asyncpg" if url.startswith("postgresql") else "aio_pika"
    script = f"import asyncio, {module}; asyncio.run({module}.connect({url.strip()!r}))"
    (gateway, *_) = stack.containers("gateway")
    try:
        await asyncio.to_thread(stack.run_in, gateway, script)
    except CommandFailed as error:
        if not any(each in str(error) for each in REFUSED):
            raise
        return False
    return True
