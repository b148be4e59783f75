"""Listens to what transactions tell through PostgreSQL (LISTEN and NOTIFY)."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncpg
import stamina

if TYPE_CHECKING:
    from shared.database.port import Heard

CHANNEL = "csvmill"
FIRST_BACKOFF = 0.2
LONGEST_BACKOFF = 5.0
"""The longest pause between two attempts to connect, in seconds."""
CHECK = 15.0
"""Seconds between two checks of a connection on which nothing is heard."""

_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

log = logging.getLogger(__name__)


class PostgresListener:
    """A connection of its own, which is open while there are listeners.

    A lost connection is replaced. What is sent in the meantime is lost.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._listeners: list[Heard] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, heard: Heard) -> None:
        """Call `heard` with each text from now on, or as soon as the connection is open."""
        self._listeners.append(heard)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def remove(self, heard: Heard) -> None:
        """Call `heard` no longer."""
        self._listeners.remove(heard)
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while True:
            async for attempt in stamina.retry_context(
                on=Exception,
                attempts=None,
                timeout=None,
                wait_initial=FIRST_BACKOFF,
                wait_max=LONGEST_BACKOFF,
                wait_jitter=FIRST_BACKOFF,
            ):
                with attempt:
                    try:
                        connection = await self._connect()
                    except _ERRORS as error:
                        log.info("not listening to the database: %s", error or type(error).__name__)
                        raise
                    except Exception:  # without it, only the polling of the watcher is left
                        log.exception("not listening to the database")
                        raise
            try:
                await _until_lost(connection)
            except _ERRORS as error:
                log.info("no longer listening to the database: %s", error)
            finally:
                connection.terminate()

    async def _connect(self) -> asyncpg.Connection[asyncpg.Record]:
        connection = await asyncpg.connect(
            self._url,
            timeout=self._timeout,
            command_timeout=self._timeout,
            server_settings={"application_name": "csvmill listener"},
        )
        try:
            await connection.add_listener(CHANNEL, self._hear)
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _hear(self, _connection: object, _pid: int, _channel: str, text: object) -> None:
        for heard in tuple(self._listeners):
            heard(str(text))


async def _until_lost(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Return when the connection is closed; raise an error if it does not answer."""
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    while not connection.is_closed():
        with suppress(TimeoutError):
            async with asyncio.timeout(CHECK):
                await lost.wait()
                return
        await connection.execute("SELECT 1")
