"""A private RabbitMQ node, with a private epmd."""

from __future__ import annotations

import logging
import os
import secrets
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.ports import free_port
from tests.processes import OwnedProcess
from tests.servers.accounts import find_program, run_as
from tests.servers.base import PrivateServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Debian's programs in /usr/sbin are wrappers that switch to a fixed user, drop the environment
# and write to /var/log. So the folders of the real programs are searched first.
_FOLDERS = ("/usr/lib/rabbitmq/bin", "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin")
_ERLANG_FOLDERS = ("/usr/lib/erlang/bin", "/usr/lib64/erlang/bin")
_START_TIMEOUT = 90.0
_COMMAND_TIMEOUT = 60.0
_CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{port}
log.console = true
log.console.level = info
log.file = false
# A restarted node must not wait until memory and disk have been measured.
disk_free_limit.absolute = 1MB
"""

# One scheduler that does not spin while it waits: the tests need the processor for other things.
_ERLANG_ARGUMENTS = (
    "-kernel inet_dist_use_interface {127,0,0,1} "
    "+S 1:1 +SDcpu 1:1 +SDio 1 +sbwt none +sbwtdcpu none +sbwtdio none"
)

ALARMS = {
    "memory": (
        "vm_memory_monitor:set_vm_memory_high_watermark(0.00001)",
        "vm_memory_monitor:set_vm_memory_high_watermark(0.4)",
    ),
    "disk": (
        "rabbit_disk_monitor:set_disk_free_limit(1 bsl 60)",
        "rabbit_disk_monitor:set_disk_free_limit(1000000)",
    ),
}
"""Erlang expressions that raise each resource alarm of the broker, and that clear it."""

log = logging.getLogger(__name__)


class RabbitServer(PrivateServer):
    """One node. Its administrator is `guest`."""

    def __init__(self) -> None:
        super().__init__("rabbitmq")
        self.port = free_port()
        self._epmd_port = free_port()
        self._dist_port = free_port()
        self._cookie = secrets.token_hex(16)
        self._node = f"csvmill-{self.port}@localhost"
        self._starts = 0
        self._epmd: OwnedProcess | None = None
        self._write("rabbitmq.conf", _CONFIG.format(port=self.port))
        self._write("enabled_plugins", "[].\n")
        self._write("rabbitmq-env.conf", "")
        self._write(".erlang.cookie", self._cookie)

    @property
    def url(self) -> str:
        """The URL of the default virtual host."""
        return self.vhost_url("/")

    def vhost_url(self, vhost: str) -> str:
        """Return the `amqp://` URL of a virtual host, as the administrator."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{vhost.replace('/', '%2F')}"

    def start(self) -> None:
        """Start with the data of an earlier run, if any. Return once clients can connect."""
        if self._epmd is None:
            # In the foreground, as our own process: a node without an epmd starts one as a
            # daemon, which keeps running after the node has ended.
            self._epmd = self._run(
                "epmd",
                [_erlang("epmd"), "-port", str(self._epmd_port), "-address", "127.0.0.1"],
            )
        self._starts += 1
        self._process = self._run(f"server-{self._starts}", [_program("rabbitmq-server")])
        self._process.wait_for_line("Server startup complete", timeout=_START_TIMEOUT)

    def stop(self) -> None:
        """Shut down gracefully: queues are flushed and connections are closed."""
        if self._process:
            self.evaluate("init:stop()")
            self._process.wait(_COMMAND_TIMEOUT)
            self.kill()

    def close(self) -> None:
        """Kill the node and its epmd, and remove its folder."""
        if self._epmd:
            self._epmd.destroy()
            self._epmd = None
        super().close()

    def rabbitmqctl(self, *arguments: str) -> str:
        """Return the output of `rabbitmqctl --quiet <arguments>`.

        Each call takes more than half a second. Raises subprocess.CalledProcessError.
        """
        return self._command([_program("rabbitmqctl"), "--quiet", *arguments])

    def evaluate(self, expression: str) -> str:
        """Evaluate an Erlang expression, without its final full stop, on the node.

        Takes milliseconds, unlike `rabbitmqctl eval`. Raises RuntimeError if it fails.
        """
        printed = self._command(
            [
                _erlang("erl_call"),
                *("-address", f"127.0.0.1:{self._dist_port}"),
                *("-c", self._cookie, "-R", "-timeout", str(int(_COMMAND_TIMEOUT)), "-e"),
            ],
            stdin=f"{expression}.\n",
        )
        if not printed.startswith("{ok, "):
            raise RuntimeError(f"{expression} on {self._node}: {printed}")
        return printed.removeprefix("{ok, ").removesuffix("}")

    def sync_tables(self) -> None:
        """Write the node's buffered tables to disk, such as the list of quorum queues.

        RabbitMQ 3.10 writes its list of quorum queues with a delay of up to 3 s. A queue declared
        less than 3 s before the node is killed never has a leader again, and every operation on it
        hangs. Call this between a declaration and `kill`, unless the test is about that delay.
        """
        self.evaluate("[ok = dets:sync(Table) || Table <- dets:all()]")

    @contextmanager
    def fresh_vhost(self) -> Iterator[str]:
        """Create an empty virtual host; yield its URL. It is deleted afterwards."""
        vhost = f"test-{uuid.uuid4().hex[:12]}"
        name, everything, user = f'<<"{vhost}">>', '<<".*">>', '<<"tests">>'
        self.evaluate(
            f"ok = rabbit_vhost:add({name}, {user}), "
            f"ok = rabbit_auth_backend_internal:set_permissions("
            f'<<"guest">>, {name}, {everything}, {everything}, {everything}, {user})'
        )
        try:
            yield self.vhost_url(vhost)
        finally:
            if self.running:
                self._delete_vhost(f"rabbit_vhost:delete({name}, {user})")

    def _delete_vhost(self, expression: str) -> None:
        """Delete a virtual host. If that breaks the node, start it again, and leave the rest to it.

        RabbitMQ 3.10 may lose the supervisor of its dead-lettering processes when it deletes
        queues soon after it has recovered from a kill. Then it answers nothing but INTERNAL_ERROR.
        """
        try:
            self.evaluate(expression)
        except RuntimeError as error:
            log.warning("the broker is started again: %s", error)
            self.kill()
            self.start()

    def _run(self, name: str, args: list[str]) -> OwnedProcess:
        return OwnedProcess(
            args,
            log_path=self._folder / f"{name}.log",
            env=self._environment(),
            cwd=self._folder,
            account=self._account,
        )

    def _command(self, args: list[str], *, stdin: str = "") -> str:
        return run_as(
            self._account,
            args,
            env=self._environment(),
            cwd=self._folder,
            timeout=_COMMAND_TIMEOUT + 5,
            stdin=stdin,
        )

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG_ARGUMENTS,
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "node.pid"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        }

    def _write(self, name: str, text: str) -> Path:
        path = self._folder / name
        path.write_text(text)
        path.chmod(0o400)
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)
        return path


def _program(name: str) -> str:
    return find_program(name, _FOLDERS, package="rabbitmq-server")


def _erlang(name: str) -> str:
    return find_program(name, _ERLANG_FOLDERS, package="erlang-base")
