"""Fixtures of all tests: real servers, started once and only if a test asks for them.

`CSVMILL_TEST_DATABASE_URL` and `CSVMILL_TEST_BROKER_URL` point tests at servers that run already.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import settings

from tests.processes import ServiceProcess
from tests.servers.external_broker import emptied_vhost
from tests.servers.postgres import PostgresServer, fresh_database
from tests.servers.rabbitmq import RabbitServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

DATABASE_VARIABLE = "CSVMILL_TEST_DATABASE_URL"
BROKER_VARIABLE = "CSVMILL_TEST_BROKER_URL"

FIGURES = "figures"
"""The property under which a test records what is to be shown of it at the end of the run."""

START_TIMEOUT = 30.0
"""Seconds that one of our services has to say where it listens."""

SERVER_FIXTURES: dict[str, tuple[type[PostgresServer | RabbitServer], str]] = {
    "postgres_server": (PostgresServer, DATABASE_VARIABLE),
    "rabbit_server": (RabbitServer, BROKER_VARIABLE),
    "killable_postgres": (PostgresServer, DATABASE_VARIABLE),
    "killable_rabbit": (RabbitServer, BROKER_VARIABLE),
}

SERVERS_OF = {
    "database_url": ("postgres_server",),
    "broker_url": ("rabbit_server",),
    "shared_deployment": ("postgres_server", "rabbit_server"),
}
"""What fixtures use without naming it among their parameters."""

Server = TypeVar("Server", PostgresServer, RabbitServer)


# No time is asserted in a test: the machine may be busy with others.
settings.register_profile("csvmill", deadline=None)
settings.load_profile("csvmill")


class ServerPool:
    """The private servers of one test run, each started at most once, in the background."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(len(SERVER_FIXTURES))
        self._servers: dict[str, Future[PostgresServer | RabbitServer]] = {}

    def request(self, fixture: str) -> Future[PostgresServer | RabbitServer]:
        """Start the server of this fixture, unless that was done before."""
        if fixture not in self._servers:
            kind, _ = SERVER_FIXTURES[fixture]
            self._servers[fixture] = self._threads.submit(lambda: kind().__enter__())
        return self._servers[fixture]

    def close(self) -> None:
        """End all servers, those too that are still starting."""
        self._threads.shutdown(cancel_futures=True)
        for server in self._servers.values():
            if not server.cancelled() and not server.exception():
                server.result().close()


POOL = pytest.StashKey[ServerPool]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[POOL] = ServerPool()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[POOL].close()


def pytest_collection_finish(session: pytest.Session) -> None:
    # While the first tests run, which need no server, those that will be needed start up together.
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    for fixture, needs in SERVERS_OF.items():
        if fixture in wanted:
            wanted.update(needs)
    for fixture, (_, variable) in SERVER_FIXTURES.items():
        if fixture in wanted and variable not in os.environ:
            session.config.stash[POOL].request(fixture)


def _server(config: pytest.Config, fixture: str, kind: type[Server]) -> Server:
    variable = SERVER_FIXTURES[fixture][1]
    if variable in os.environ:
        pytest.skip(f"{variable} is set: that server is not ours to inspect or to kill")
    server = config.stash[POOL].request(fixture).result()
    assert isinstance(server, kind)
    return server


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> PostgresServer:
    """The private PostgreSQL that all tests share: not to be killed."""
    return _server(pytestconfig, "postgres_server", PostgresServer)


@pytest.fixture(scope="session")
def rabbit_server(pytestconfig: pytest.Config) -> RabbitServer:
    """The private RabbitMQ that all tests share: not to be killed."""
    return _server(pytestconfig, "rabbit_server", RabbitServer)


def killable_server(config: pytest.Config, fixture: str, kind: type[Server]) -> Server:
    """What the fixture of this name gives, for fixtures that live longer than it does."""
    server = _server(config, fixture, kind)
    if not server.running:
        server.start()
    return server


@pytest.fixture
def killable_postgres(pytestconfig: pytest.Config) -> PostgresServer:
    """A second PostgreSQL, running when the test begins, for the test to kill and restart.

    `fresh_database(server.url)` makes a database on it.
    """
    return killable_server(pytestconfig, "killable_postgres", PostgresServer)


@pytest.fixture
def killable_rabbit(pytestconfig: pytest.Config) -> RabbitServer:
    """A second RabbitMQ, running when the test begins, for the test to kill and restart.

    `server.fresh_vhost()` makes a virtual host on it.
    """
    return killable_server(pytestconfig, "killable_rabbit", RabbitServer)


@contextmanager
def new_database(config: pytest.Config) -> Iterator[str]:
    """The URL of a new, empty database, for fixtures that live longer than `database_url`."""
    server = os.environ.get(DATABASE_VARIABLE)
    if server is None:
        server = _server(config, "postgres_server", PostgresServer).url
    with fresh_database(server) as url:
        yield url


@contextmanager
def new_vhost(config: pytest.Config) -> Iterator[str]:
    """The URL of a new, empty virtual host, for fixtures that live longer than `broker_url`.

    With CSVMILL_TEST_BROKER_URL it is the virtual host of that URL, without our queues in it.
    """
    given = os.environ.get(BROKER_VARIABLE)
    if given is None:
        with _server(config, "rabbit_server", RabbitServer).fresh_vhost() as url:
            yield url
    else:
        with emptied_vhost(given):
            yield given


@pytest.fixture
def database_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """A new, empty database on a real PostgreSQL, dropped afterwards."""
    with new_database(pytestconfig) as url:
        yield url


@pytest.fixture
def broker_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """A new, empty virtual host on a real RabbitMQ, deleted afterwards."""
    with new_vhost(pytestconfig) as url:
        yield url


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[Callable[..., ServiceProcess]]:
    """Start one of our services: `start_process("storage", "--option", env={...})`.

    Takes what `ServiceProcess` takes, without `log_path`. Whatever still runs at the end of the
    test is killed with all its descendants.
    """
    with ExitStack() as started:

        def start(
            module: str,
            *arguments: str,
            env: Mapping[str, str] | None = None,
            start_timeout: float = START_TIMEOUT,
        ) -> ServiceProcess:
            log_path = tmp_path / f"{module}-{next(numbers)}.log"
            return started.enter_context(
                ServiceProcess(
                    module, *arguments, log_path=log_path, env=env, start_timeout=start_timeout
                )
            )

        numbers = count(1)
        yield start


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures of tests that have some, passed ones too."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == FIGURES and report.when == "call":
                    terminalreporter.section(report.nodeid)
                    terminalreporter.write_line(str(value))
