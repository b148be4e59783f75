"""Fixtures of all tests: real servers, started once and only if a test uses them.

`CSVMILL_TEST_DATABASE_URL` and `CSVMILL_TEST_BROKER_URL` select servers that already run, and
`CSVMILL_TEST_KERNEL_PROGRAM` another kernel.
"""

from __future__ import annotations

import gc
import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from processor.engines import kernel_run
from tests.order import WholeFiles, place_in_one_process, place_in_parallel
from tests.processes import ServiceProcess
from tests.servers.external_broker import emptied_vhost
from tests.servers.postgres import PostgresServer, fresh_database
from tests.servers.rabbitmq import RabbitServer
from tests.temporary import use_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from xdist.remote import Producer

DATABASE_VARIABLE = "CSVMILL_TEST_DATABASE_URL"
BROKER_VARIABLE = "CSVMILL_TEST_BROKER_URL"

KERNEL_VARIABLE = "CSVMILL_TEST_KERNEL_PROGRAM"

FIGURES = "figures"
"""The property in which a test records figures that are shown at the end of the run."""

START_TIMEOUT = 30.0
"""Seconds in which one of our services has to log where it listens."""

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
"""Fixtures that other fixtures use without naming them as parameters."""

Server = TypeVar("Server", PostgresServer, RabbitServer)


# Services and commands are started often. With bytecode and without certificates, which no test
# needs, a start takes a third less time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ["SSL_CERT_FILE"] = os.devnull

use_memory()

# Tests assert no durations: the machine may be busy. Each run generates the same examples, so that
# a change fails because of what it changes. `--hypothesis-profile random` tries others.
# A slow machine is not a failure. Fixtures that examples share are clean for each of them.
_HARMLESS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile(
    "csvmill", deadline=None, derandomize=True, suppress_health_check=_HARMLESS
)
settings.register_profile("random", deadline=None, suppress_health_check=_HARMLESS)
settings.load_profile("csvmill")

if KERNEL_VARIABLE in os.environ:
    kernel_run.PROGRAM = str(Path(os.environ[KERNEL_VARIABLE]).absolute())


class ServerPool:
    """The private servers of one test run, each started at most once, in the background."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(len(SERVER_FIXTURES))
        self._servers: dict[str, Future[PostgresServer | RabbitServer]] = {}

    def request(self, fixture: str) -> Future[PostgresServer | RabbitServer]:
        """Start the server of this fixture, unless it was started before."""
        if fixture not in self._servers:
            kind, _ = SERVER_FIXTURES[fixture]
            self._servers[fixture] = self._threads.submit(lambda: kind().__enter__())
        return self._servers[fixture]

    def close(self) -> None:
        """Stop all servers, including those that are still starting."""
        self._threads.shutdown(cancel_futures=True)
        for server in self._servers.values():
            if not server.cancelled() and not server.exception():
                server.result().close()


POOL = pytest.StashKey[ServerPool]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[POOL] = ServerPool()


def pytest_unconfigure(config: pytest.Config) -> None:
    # Some libraries complain on exit about objects that are not collected.
    gc.unfreeze()
    config.stash[POOL].close()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> WholeFiles | None:
    return WholeFiles(config, log) if config.option.dist == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    place = place_in_parallel if hasattr(config, "workerinput") else place_in_one_process
    items.sort(key=lambda item: place(item.nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    # The imported modules and the collected tests stay until the end. The garbage collector need
    # not search them while they become more, nor in every test.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_finish(session: pytest.Session) -> None:
    # The servers start in parallel while the first tests run, which need none. One of several
    # processes may get no test that kills a server: there, those start when a test needs them.
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if hasattr(session.config, "workerinput"):
        wanted -= {"killable_postgres", "killable_rabbit"}
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
    """The private PostgreSQL that all tests share. Tests must not kill it."""
    return _server(pytestconfig, "postgres_server", PostgresServer)


@pytest.fixture(scope="session")
def rabbit_server(pytestconfig: pytest.Config) -> RabbitServer:
    """The private RabbitMQ that all tests share. Tests must not kill it."""
    return _server(pytestconfig, "rabbit_server", RabbitServer)


def killable_server(config: pytest.Config, fixture: str, kind: type[Server]) -> Server:
    """Return the server of the fixture `fixture`, for fixtures with a longer scope."""
    server = _server(config, fixture, kind)
    if not server.running:
        server.start()
    return server


@pytest.fixture
def killable_postgres(pytestconfig: pytest.Config) -> PostgresServer:
    """A second PostgreSQL, running when the test starts, that the test may kill and restart.

    `fresh_database(server.url)` creates a database on it.
    """
    return killable_server(pytestconfig, "killable_postgres", PostgresServer)


@pytest.fixture
def killable_rabbit(pytestconfig: pytest.Config) -> RabbitServer:
    """A second RabbitMQ, running when the test starts, that the test may kill and restart.

    `server.fresh_vhost()` creates a virtual host on it.
    """
    return killable_server(pytestconfig, "killable_rabbit", RabbitServer)


@contextmanager
def new_database(config: pytest.Config) -> Iterator[str]:
    """Create an empty database; yield its URL. For fixtures of a longer scope."""
    server = os.environ.get(DATABASE_VARIABLE)
    if server is None:
        server = _server(config, "postgres_server", PostgresServer).url
    with fresh_database(server) as url:
        yield url


@contextmanager
def new_vhost(config: pytest.Config) -> Iterator[str]:
    """Create an empty virtual host; yield its URL. For fixtures of a longer scope.

    With CSVMILL_TEST_BROKER_URL this is the virtual host of that URL, without our queues.
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
    """Yield a function that starts services: `start_process("storage", "--option", env={...})`.

    Its parameters are those of `ServiceProcess` without `log_path`. Processes that still run at
    the end of the test are killed with all their descendants.
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
    """Show the figures that tests recorded, passed tests included."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == FIGURES and report.when == "call":
                    terminalreporter.section(report.nodeid)
                    terminalreporter.write_line(str(value))
