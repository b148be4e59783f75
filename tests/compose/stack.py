"""The stack of docker-compose.yml, for tests: a project, ports and an image tag of its own."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import uuid
from base64 import b64encode
from pathlib import Path
from typing import Any

from tests import reaper
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
UNSHARED = "deploy/compose.unshared.yml"
PASSWORD = "passwordofthetests"
VHOST = "csvmill"
COMMAND_TIMEOUT = 120.0
"""Seconds for any one command."""

_KILL_MAIN = """
import os, signal
child = open("/proc/1/task/1/children").read().split()[0]
os.kill(int(child), signal.SIGKILL)
"""


class CommandFailed(AssertionError):
    """A docker command ended with an error; the message has its output."""


class Stack:
    """One compose project. `up` makes it, `down` removes it; so does the reaper, in need."""

    def __init__(self, **settings: str) -> None:
        self.project = f"csvmill-test-{uuid.uuid4().hex[:12]}"
        self.image = f"{self.project}:latest"
        self.url = f"http://127.0.0.1:{(http := free_port())}"
        self._management = f"http://127.0.0.1:{(management := free_port())}"
        self._env = {
            # The machine's own settings for compose are not those of the tests.
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "COMPOSE_DISABLE_ENV_FILE": "1",
            "CSVMILL_IMAGE": self.image,
            "CSVMILL_HTTP_PORT": str(http),
            "RABBITMQ_MANAGEMENT_PORT": str(management),
            "POSTGRES_PASSWORD": PASSWORD,
            "RABBITMQ_PASSWORD": PASSWORD,
            "CSVMILL_STORAGE_TOKEN": PASSWORD,
            **settings,
        }

    def up(self, **scale: int) -> None:
        """Build the image, bring everything up, and wait until all is healthy."""
        reaper.watch_stack(self.project)
        self.compose("up", "--build", "--detach", "--wait", *_scales(scale))

    def renew(self, service: str, *, files: tuple[str, ...] = (), **scale: int) -> None:
        """Bring one service to what its configuration, with further `files`, says of it."""
        chosen = [f"--file={name}" for name in ("docker-compose.yml", *files)]
        self.compose(*chosen, "up", "--detach", "--no-deps", *_scales(scale), service)

    def down(self) -> None:
        """Remove the project with its volumes, and its image."""
        self.compose("down", "--volumes", "--timeout=10")
        if docker("images", "--quiet", self.image):
            docker("image", "rm", self.image)
        reaper.forget_stack(self.project)

    def compose(self, *arguments: str) -> str:
        """What `docker compose ...` prints on standard output. Raises CommandFailed."""
        return docker("compose", f"--project-name={self.project}", *arguments, env=self._env)

    def containers(self, service: str) -> dict[str, dict[str, Any]]:
        """What `docker inspect` tells of each container of a service, by its host name."""
        ids = self.compose("ps", "--all", "--quiet", service).split()
        inspected = json.loads(docker("inspect", *ids)) if ids else []
        return {one["Config"]["Hostname"]: one for one in inspected}

    def run_in(self, container: str, script: str) -> str:
        """What a Python script prints in a container of one of our services."""
        return docker("exec", container, "python", "-c", script)

    def sigkill(self, container: str) -> None:
        """SIGKILL the service in a container, from within.

        Unlike `docker kill`, which counts as an operator's will, this is a crash: the restart
        policy applies.
        """
        try:
            self.run_in(container, _KILL_MAIN)
        except CommandFailed:
            # With its first process the container ends, and this script in it may go first.
            if docker("inspect", "--format={{.RestartCount}}", container).strip() == "0":
                raise

    def received(self, container: str) -> int:
        """Bytes that came over a container's network."""
        return int(
            self.run_in(container, "print(open('/sys/class/net/eth0/statistics/rx_bytes').read())")
        )

    def management(self, path: str, *, method: str = "GET", body: object = None) -> Any:
        """Ask RabbitMQ's management API, as the application's user; `{vhost}` is ours."""
        request = urllib.request.Request(  # noqa: S310  (our own URL)
            self._management + "/api/" + path.format(vhost=urllib.parse.quote(VHOST, safe="")),
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": "Basic " + b64encode(f"csvmill:{PASSWORD}".encode()).decode(),
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
    "POSTGRES_IMAGE",
)  # fmt: skip


def docker(*arguments: str, env: dict[str, str] | None = None) -> str:
    """What `docker ...` prints on standard output. Raises CommandFailed."""
    done = subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT,
    )
    if done.returncode != 0:
        raise CommandFailed(f"docker {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def obstacle() -> str | None:
    """Why no stack can be brought up on this machine; None if one can."""
    try:
        docker("info")
        docker("compose", "version")
        wanted = {
            "python:3.13-slim": "PYTHON_IMAGE",
            "haproxy:3.0": "HAPROXY_IMAGE",
            "rabbitmq:4-management": "RABBITMQ_IMAGE",
            "postgres:17": "POSTGRES_IMAGE",
        }
        for image, variable in wanted.items():
            docker("image", "inspect", os.environ.get(variable, image))
    except FileNotFoundError:
        return "docker is not installed"
    except subprocess.TimeoutExpired as error:
        return f"no answer from {' '.join(error.cmd)}"
    except CommandFailed as error:
        return str(error).strip().splitlines()[-1]
    return None
