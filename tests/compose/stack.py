"""The stack of docker-compose.yml for tests, with its own project, ports and image tag."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import uuid
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import reaper
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
MAKE_ENV = ROOT / "scripts/make_env.py"
UNSHARED = "deploy/compose.unshared.yml"
VHOST = "csvmill"
COMMAND_TIMEOUT = 120.0
"""Seconds for one command that downloads nothing."""
DOWNLOAD_TIMEOUT = 1700.0
"""Seconds for one command that downloads, or builds the image."""
IMAGES = {
    "PYTHON_IMAGE": "python:3.13-slim",
    "HAPROXY_IMAGE": "haproxy:3.0",
    "RABBITMQ_IMAGE": "rabbitmq:4-management",
    "POSTGRES_IMAGE": "postgres:17",
    "PROMETHEUS_IMAGE": "prom/prometheus:v3.5.0",
}
"""The images of the stack, by the variable that replaces each."""

_KILL_MAIN = """
import os, signal
child = open("/proc/1/task/1/children").read().split()[0]
os.kill(int(child), signal.SIGKILL)
"""

_KILL_ENGINES = """
import os, signal, time
killed, deadline = set(), time.monotonic() + 60
while len(killed) < {number} and time.monotonic() < deadline:
    for pid in set(filter(str.isdigit, os.listdir("/proc"))) - killed:
        try:
            command = open(f"/proc/{{pid}}/cmdline").read()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if "/csvmill-kernel" in command.split("\\0")[0]:
            os.kill(int(pid), signal.SIGKILL)
            killed.add(pid)
    time.sleep(0.005)
print(len(killed))
"""


class CommandFailed(AssertionError):
    """A docker command failed. The message contains its output."""


class Stack:
    """One compose project. `up` creates it and `down` removes it.

    The reaper removes it if the test run is killed.
    """

    def __init__(self, **settings: str) -> None:
        self.project = f"csvmill-test-{uuid.uuid4().hex[:12]}"
        self._folder = Path(tempfile.mkdtemp(prefix="csvmill-secrets-"))
        reaper.watch_folder(self._folder)
        self.secrets = self._folder / "secrets"
        options = ("--env", str(self._folder / "env"), "--secrets", str(self.secrets))
        self._make_env = shlex.join([sys.executable, str(MAKE_ENV), *options])
        make_env(*options)
        self.image = f"{self.project}:latest"
        self.url = f"http://127.0.0.1:{(http := free_port())}"
        self._management = f"http://127.0.0.1:{(management := free_port())}"
        self.prometheus = f"http://127.0.0.1:{(prometheus := free_port())}"
        self._env = {
            # Other settings of the machine for compose must not affect the tests.
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "COMPOSE_DISABLE_ENV_FILE": "1",
            "CSVMILL_IMAGE": self.image,
            "CSVMILL_HTTP_PORT": str(http),
            "RABBITMQ_MANAGEMENT_PORT": str(management),
            "PROMETHEUS_PORT": str(prometheus),
            "CSVMILL_SECRETS": str(self.secrets),
            **settings,
        }

    def build(self) -> None:
        """Build the image."""
        self.compose("build", "--quiet", timeout=DOWNLOAD_TIMEOUT)

    def up(self, **scale: int) -> None:
        """Build the image, start all services, and wait until they are healthy."""
        reaper.watch_stack(self.project)
        up = ("up", "--build", "--detach", "--wait", *_scales(scale))
        self.compose(*up, timeout=DOWNLOAD_TIMEOUT)

    def renew(self, service: str, *, files: tuple[str, ...] = (), **scale: int) -> None:
        """Recreate one service from its configuration, with the additional `files`."""
        chosen = [f"--file={name}" for name in ("docker-compose.yml", *files)]
        self.compose(*chosen, "up", "--detach", "--no-deps", *_scales(scale), service)

    def down(self) -> None:
        """Remove the project with its volumes, and its image."""
        self.compose("--profile=observability", "down", "--volumes", "--timeout=10")
        if docker("images", "--quiet", self.image):
            docker("image", "rm", self.image)
        reaper.forget_stack(self.project)
        if self._folder.exists():
            shutil.rmtree(self._folder)
            reaper.forget_folder(self._folder)

    def compose(self, *arguments: str, timeout: float = COMMAND_TIMEOUT) -> str:
        """Return the standard output of `docker compose ...`. Raises CommandFailed."""
        project = f"--project-name={self.project}"
        return docker("compose", project, *arguments, env=self._env, timeout=timeout)

    def containers(self, service: str) -> dict[str, dict[str, Any]]:
        """Return the output of `docker inspect` for each container of a service, by host name."""
        ids = self.compose("ps", "--all", "--quiet", service).split()
        inspected = json.loads(docker("inspect", *ids)) if ids else []
        return {one["Config"]["Hostname"]: one for one in inspected}

    def run_in(self, container: str, script: str) -> str:
        """Run a Python script in a container of one of our services; return its output."""
        return docker("exec", container, "python", "-c", script)

    def sigkill(self, container: str) -> None:
        """Send SIGKILL to the service in a container, from inside the container.

        Docker treats `docker kill` as a manual stop, but this as a crash, so the restart policy
        applies.
        """
        try:
            self.run_in(container, _KILL_MAIN)
        except CommandFailed:
            # The container ends with its first process, which may end this script too.
            if docker("inspect", "--format={{.RestartCount}}", container).strip() == "0":
                raise

    def kill_engines(self, container: str, number: int) -> int:
        """Kill the next `number` engines in a processor's container as they start.

        Return how many were killed, after one minute at most.
        """
        return int(self.run_in(container, _KILL_ENGINES.format(number=number)))

    def shell(self, script: str, folder: Path, **variables: str) -> str:
        """Run a documented script in `folder`; return its output. Raises CommandFailed.

        The project name, image and ports in the script are replaced by those of this stack.
        """
        script = script.replace("csvmill_blobs", f"{self.project}_blobs")
        script = script.replace("deploy/secrets", str(self.secrets))
        script = re.sub(r'make env ARGS="?([^"\n]+)"?', rf"{self._make_env} \1", script)
        script = re.sub(r"^(\s+)csvmill -C", rf"\1{self.image} -C", script, flags=re.MULTILINE)
        script = script.replace("http://127.0.0.1:15672", self._management)
        return run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env={
                **self._env,
                **variables,
                "COMPOSE_PROJECT_NAME": self.project,
                "COMPOSE_FILE": str(ROOT / "docker-compose.yml"),
            },
        )

    def received(self, container: str) -> int:
        """Return the number of bytes that a container received over its networks."""
        return int(
            self.run_in(
                container,
                "import glob\n"
                "files = glob.glob('/sys/class/net/eth*/statistics/rx_bytes')\n"
                "print(sum(int(open(file).read()) for file in files))",
            )
        )

    def management(self, path: str, *, method: str = "GET", body: object = None) -> Any:
        """Send a request to RabbitMQ's management API as the application's user.

        `{vhost}` in the path stands for our virtual host.
        """
        user, password = (
            (self.secrets / f"rabbitmq_{what}").read_text().strip() for what in ("user", "password")
        )
        request = urllib.request.Request(  # noqa: S310  (our own URL)
            self._management + "/api/" + path.format(vhost=urllib.parse.quote(VHOST, safe="")),
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode(),
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return json.loads(response.read() or "null")


def _scales(scale: dict[str, int]) -> list[str]:
    return [f"--scale={name}={number}" for name, number in scale.items()]


_KEPT = (
    "PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PYTHON_IMAGE", "HAPROXY_IMAGE", "RABBITMQ_IMAGE",
    "POSTGRES_IMAGE", "PROMETHEUS_IMAGE",
)  # fmt: skip


def make_env(*arguments: str) -> str:
    """Run the script of `make env`; return its output. Raises CommandFailed."""
    return run([sys.executable, str(MAKE_ENV), *arguments])


def docker(
    *arguments: str, env: dict[str, str] | None = None, timeout: float = COMMAND_TIMEOUT
) -> str:
    """Return the standard output of `docker ...`. Raises CommandFailed."""
    return run(["docker", *arguments], env=env, timeout=timeout)


def run(
    command: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: dict[str, str] | None = None,
    timeout: float = COMMAND_TIMEOUT,
) -> str:
    """Return the standard output of a command. Raises CommandFailed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def obstacle() -> str | None:
    """Return why no stack can be started on this machine, or None.

    Missing images are pulled.
    """
    try:
        docker("info")
        docker("compose", "version")
        for variable, image in IMAGES.items():
            _pull_if_missing(os.environ.get(variable, image))
    except FileNotFoundError:
        return "docker is not installed"
    except subprocess.TimeoutExpired as error:
        return f"no answer from {' '.join(error.cmd)}"
    except CommandFailed as error:
        return str(error).strip().splitlines()[-1]
    return None


def _pull_if_missing(name: str) -> None:
    try:
        docker("image", "inspect", name)
    except CommandFailed:
        docker("pull", "--quiet", name, timeout=DOWNLOAD_TIMEOUT)
