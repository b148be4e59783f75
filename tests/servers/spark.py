"""A private Spark cluster: a master, workers, and a server of Spark Connect.

`scripts/install_spark` installs it into `build/spark`, as it has some hundred megabytes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.ports import free_port
from tests.processes import OwnedProcess
from tests.servers.accounts import ProgramMissing, make_folder, remove_folder

_HOME = Path(__file__).parents[2] / "build" / "spark"
_START_TIMEOUT = 500.0
"""Seconds. On a busy machine, a virtual machine of Java takes a minute or two."""
_MEMORY = 512
"""MiB of a virtual machine of Java."""
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
"""With these options they start sooner, and take less of the machine."""
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = _HOME / "lib" / _PYTHON / "site-packages"
"""The folder with the client of Spark, which tests add to the path of modules."""


def use_client() -> None:
    """Make the client importable. What is installed here has precedence."""
    if str(PACKAGES) not in sys.path:
        sys.path.append(str(PACKAGES))


def python_path(folder: Path) -> str:
    """Return the PYTHONPATH of a process that has the client, after what is installed here.

    `folder` is created.
    """
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.path.append({str(PACKAGES)!r})\n")
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


class SparkCluster:
    """Use it as a context. Any of its processes may be killed and started again."""

    def __init__(self, workers: int = 2, memory: int = _MEMORY, java: str = _QUICK) -> None:
        """Each worker has an executor with a core, and `memory` in MiB.

        `java` are the options of all virtual machines of Java.
        """
        if not (PACKAGES / "pyspark").is_dir():
            raise ProgramMissing("Spark is not installed: run scripts/install_spark")
        self._folder = make_folder("spark", None)
        self._master_port, self._connect_port = free_port(), free_port()
        self._master: OwnedProcess | None = None
        self._connect: OwnedProcess | None = None
        self._workers: dict[int, OwnedProcess] = {}
        self._starts = 0
        self._count = workers
        self._memory = memory
        self._java_options = java

    @property
    def url(self) -> str:
        """The URL of Spark Connect."""
        return f"sc://127.0.0.1:{self._connect_port}"

    @property
    def workers(self) -> list[int]:
        """The numbers of the workers that run."""
        return sorted(self._workers)

    @property
    def pids(self) -> list[int]:
        """The ids of all processes of the cluster, without those that they have started."""
        processes = (self._master, self._connect, *self._workers.values())
        return [process.pid for process in processes if process]

    @property
    def master_url(self) -> str:
        """The URL of the master."""
        return f"spark://127.0.0.1:{self._master_port}"

    def __enter__(self) -> SparkCluster:
        try:
            self._master = self._java(
                "deploy.master.Master", "--port", str(self._master_port), "--webui-port", "0"
            )
            self._master.wait_for_line("Starting Spark master", timeout=_START_TIMEOUT)
            # All at once, as each takes long to start.
            for number in range(self._count):
                self.start_worker(number, wait=False)
            self.start_connect(wait=False)
            for worker in self._workers.values():
                worker.wait_for_line("registered with master", timeout=_START_TIMEOUT)
            self.wait_for_connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill all processes, and remove their folder."""
        for process in (self._connect, *self._workers.values(), self._master):
            if process:
                process.destroy()
        remove_folder(self._folder)

    def start_worker(self, number: int, *, wait: bool = True) -> None:
        """Start a worker, with one core."""
        self._workers[number] = worker = self._java(
            *("deploy.worker.Worker", "--webui-port", "0", "-c", "1"),
            *("-m", f"{self._memory + 88}m"),
            *("-d", str(self._folder / f"worker-{number}"), self.master_url),
        )
        if wait:
            worker.wait_for_line("registered with master", timeout=_START_TIMEOUT)

    def start_connect(self, *, wait: bool = True) -> None:
        """Start the server of Spark Connect, which is the driver of all jobs."""
        conf = {
            "spark.connect.grpc.binding.port": str(self._connect_port),
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.python.worker.reuse": "true",
            "spark.worker.timeout": "20",
        }
        self._connect = self._start(
            PACKAGES / "pyspark" / "bin" / "spark-submit",
            *("--master", self.master_url, "--driver-memory", f"{_MEMORY}m"),
            *("--executor-memory", f"{self._memory}m"),
            *(part for item in conf.items() for part in ("--conf", "=".join(item))),
            *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
            "spark-internal",
        )
        if wait:
            self.wait_for_connect()

    def wait_for_connect(self) -> None:
        """Wait until clients can connect."""
        assert self._connect
        self._connect.wait_for_line("Spark Connect server started", timeout=_START_TIMEOUT)

    def kill_worker(self, number: int) -> None:
        """Send SIGKILL to a worker and its executors."""
        self._workers.pop(number).destroy()

    def kill_connect(self) -> None:
        """Send SIGKILL to the server of Spark Connect."""
        assert self._connect
        self._connect.destroy()
        self._connect = None

    def _java(self, name: str, *args: str) -> OwnedProcess:
        return self._start(
            PACKAGES / "pyspark" / "bin" / "spark-class",
            *(f"org.apache.spark.{name}", "--host", "127.0.0.1", *args),
        )

    def _start(self, program: Path, *args: str) -> OwnedProcess:
        self._starts += 1
        return OwnedProcess(
            [str(program), *args],
            log_path=self._folder / f"{self._starts}.log",
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._folder),
                "SPARK_HOME": str(PACKAGES / "pyspark"),
                "SPARK_LOCAL_IP": "127.0.0.1",
                "SPARK_LOCAL_DIRS": str(self._folder / "local"),
                "SPARK_DAEMON_MEMORY": f"{_MEMORY}m",
                "PYSPARK_PYTHON": str(_HOME / "bin" / "python"),
                "JDK_JAVA_OPTIONS": self._java_options,
            },
            cwd=self._folder,
        )
