"""A private PostgreSQL server."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.ports import free_port
from tests.processes import OwnedProcess
from tests.servers.accounts import find_program, run_as
from tests.servers.base import PrivateServer

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 30.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "log_min_messages": "warning",
    # The kernel keeps what a killed server wrote: fsync only protects against a power failure.
    # synchronous_commit stays on: without it a commit can be lost with the process.
    "fsync": "off",
    # In its folder, which is removed. A killed server leaves POSIX segments behind.
    "dynamic_shared_memory_type": "mmap",
}


class PostgresServer(PrivateServer):
    """One cluster. Its administrator `postgres` needs no password."""

    def __init__(self) -> None:
        super().__init__("postgres")
        self.port = free_port()
        self._data = self._folder / "data"
        self._starts = 0

    @property
    def url(self) -> str:
        """The URL of the maintenance database, as the administrator."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start with the data of an earlier run, if any. Return once clients can connect."""
        if not self._data.exists():
            self._initdb()
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        self._starts += 1
        self._process = OwnedProcess(
            [_program("postgres"), "-D", str(self._data), f"--port={self.port}", *settings],
            log_path=self._folder / f"server-{self._starts}.log",
            env=_environment(),
            cwd=self._folder,
            account=self._account,
        )
        self._process.wait_for_line("ready to accept connections", timeout=_START_TIMEOUT)

    def stop(self) -> None:
        """Shut down gracefully ("fast" mode: open transactions are rolled back)."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_STOP_TIMEOUT)
            self.kill()

    def _initdb(self) -> None:
        run_as(
            self._account,
            [
                _program("initdb"),
                *("-D", str(self._data)),
                *("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"),
                *("--no-sync", "--no-instructions"),
            ],
            env=_environment(),
            cwd=self._folder,
            timeout=_START_TIMEOUT,
        )


@contextmanager
def fresh_database(url: str) -> Iterator[str]:
    """Create an empty database on the server of `url`; yield its URL.

    It is dropped afterwards, even if it has open connections. If the user may not create
    databases, this creates an empty schema in the database of `url` instead, and the yielded URL
    selects it with `search_path`, so that existing tables are not changed.
    """
    name = f"csvmill_test_{uuid.uuid4().hex[:12]}"
    try:
        _execute(url, f'CREATE DATABASE "{name}" TEMPLATE template0{_copy_files(url)}')
    except asyncpg.InsufficientPrivilegeError:
        _execute(url, f'CREATE SCHEMA "{name}"')
        separator = "&" if urlsplit(url).query else "?"
        try:
            yield f"{url}{separator}search_path={name}"
        finally:
            _execute(url, f'DROP SCHEMA "{name}" CASCADE')
    else:
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            _execute(url, f'DROP DATABASE "{name}" WITH (FORCE)')


@cache
def _copy_files(url: str) -> str:
    """Return the option to copy the template's files, which is faster than writing them to the WAL.

    Versions before 15 do so without an option.
    """
    version = int(_execute(url, "SHOW server_version_num"))
    return " STRATEGY file_copy" if version >= 150_000 else ""


def _execute(url: str, statement: str) -> Any:
    """Execute a statement; return the first value of its first row, or None."""

    async def execute() -> Any:
        connection = await asyncpg.connect(url, timeout=20, command_timeout=60)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    # In a thread, so that it also works where an event loop runs already.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(execute())).result()


def _program(name: str) -> str:
    return find_program(name, _FOLDERS, package="postgresql")


def _environment() -> dict[str, str]:
    # Not the caller's environment: its PGDATA, PGPORT or locale would have an effect.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
