"""The two deployments of csvmill, as real processes behind one interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import TYPE_CHECKING, ClassVar

import pytest

from tests.conftest import new_database, new_vhost
from tests.e2e.runs import CHUNK
from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

STOP_TIMEOUT = 30.0
PAGE = "http://page.example"
"""The origin of the pages that use the service, as the first clients' pages do."""


class Deployment(ABC):
    """Processes that can be killed and restarted with the same data and the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: dict[str, ServiceProcess] = {}
        self._starts = 0
        self.url = ""
        self.start()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the processes that were started."""
        return tuple(self._processes)

    @property
    def processes(self) -> tuple[ServiceProcess, ...]:
        """The processes that were started."""
        return tuple(self._processes.values())

    @property
    def running(self) -> bool:
        """Whether all processes run."""
        codes = [process.returncode for process in self._processes.values()]
        return bool(codes) and all(code is None for code in codes)

    @abstractmethod
    def start(self) -> None:
        """Start every process and wait until all listen."""

    def kill(self) -> None:
        """Send SIGKILL to every process."""
        for process in self._processes.values():
            process.destroy()
        self._processes.clear()

    def terminate(self) -> dict[str, int]:
        """Send SIGTERM to every process; return their exit codes."""
        return {name: p.terminate(STOP_TIMEOUT) for name, p in self._processes.items()}

    def _run(self, name: str, module: str, *arguments: str, env: Mapping[str, str]) -> str:
        self._starts += 1
        process = ServiceProcess(
            module,
            *arguments,
            log_path=self._folder / f"{name}-{self._starts}.log",
            env={
                "CSVMILL_SCRATCH_DIR": str(self._folder / "scratch"),
                "CSVMILL_LEASE": "2",
                "CSVMILL_RELAY_INTERVAL": "0.5",
                "CSVMILL_PROGRESS_INTERVAL": "0.1",
                "CSVMILL_FOLLOW_INTERVAL": "0.1",
                "CSVMILL_CORS_ORIGINS": PAGE,
                **env,
            },
        )
        self._processes[name] = process
        return process.url


class Standalone(Deployment):
    """`csvmill serve`: one process, SQLite, an in-process bus, a folder."""

    settings: ClassVar[Mapping[str, str]] = {}
    """Environment variables besides those of all deployments."""

    def start(self) -> None:
        data = str(self._folder / "data")
        self.url = self._run(
            "standalone", "csvmill", "serve", "--port", "0", "--data-dir", data, env=self.settings
        )


class Services(Deployment):
    """Gateway, storage and processor over PostgreSQL and RabbitMQ."""

    def __init__(self, folder: Path, database_url: str, broker_url: str) -> None:
        self._common = {
            "CSVMILL_DATABASE_URL": database_url,
            "CSVMILL_BROKER_URL": broker_url,
            "CSVMILL_STORAGE_TOKEN": "a secret of the tests",
        }
        super().__init__(folder)

    def start(self) -> None:
        storage = self._run(
            "storage", "storage",
            env={**self._common, "CSVMILL_STORAGE_PORT": "0",
                 "CSVMILL_DATA_DIR": str(self._folder / "data")},
        )  # fmt: skip
        common = {**self._common, "CSVMILL_STORAGE_URL": storage}
        self._run("processor", "processor", env={**common, "CSVMILL_PROCESSOR_PORT": "0"})
        self.url = self._run("gateway", "gateway", env={**common, "CSVMILL_PORT": "0"})


@pytest.fixture(scope="module", params=["standalone", "services"])
def shared_deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Each deployment, started once for the tests of a module."""
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "standalone":
            deployed: Deployment = Standalone(folder)
        else:
            deployed = Services(
                folder,
                stack.enter_context(new_database(request.config)),
                stack.enter_context(new_vhost(request.config)),
            )
        stack.callback(deployed.kill)
        yield deployed


@pytest.fixture
def deployment(shared_deployment: Deployment) -> Deployment:
    """Each deployment. A test may end its processes."""
    if not shared_deployment.running:
        shared_deployment.kill()
        shared_deployment.start()
    return shared_deployment


@pytest.fixture(scope="module")
def shared_standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """The standalone service, shared by the tests of a module."""
    deployed = Standalone(tmp_path_factory.mktemp("standalone"))
    yield deployed
    deployed.kill()


@pytest.fixture
def standalone(tmp_path: Path) -> Iterator[Standalone]:
    """The standalone service, without jobs of other tests."""
    deployed = Standalone(tmp_path)
    yield deployed
    deployed.kill()


@pytest.fixture
def run(
    start_process: Callable[..., ServiceProcess], tmp_path: Path
) -> Callable[..., ServiceProcess]:
    """Start `csvmill run plays.csv -o totals.csv --json` with further arguments.

    `output` is another name than totals.csv.
    """

    def begin(
        *arguments: str, output: str = "totals.csv", env: Mapping[str, str] | None = None
    ) -> ServiceProcess:
        files = (str(tmp_path / "plays.csv"), "-o", str(tmp_path / output))
        options = ("--json", "--chunk-size", str(CHUNK), *arguments)
        return start_process("csvmill", "run", *files, *options, env=env)

    return begin
