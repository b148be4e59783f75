"""A private PgBouncer in front of a PostgreSQL server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yarl import URL

from tests.ports import free_port
from tests.processes import OwnedProcess
from tests.servers.accounts import find_program
from tests.servers.base import PrivateServer

if TYPE_CHECKING:
    from typing import Literal

_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
_START_TIMEOUT = 30.0
_STOP_TIMEOUT = 10.0
_CONFIG = """\
[databases]
{database} = host=127.0.0.1 port={server_port} dbname={database}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
auth_file = {users}
pool_mode = {mode}
default_pool_size = {size}
"""


class PgBouncer(PrivateServer):
    """A pooler with `size` connections to the database of `target`."""

    def __init__(
        self, target: str, *, mode: Literal["transaction", "session"] = "transaction", size: int = 2
    ) -> None:
        super().__init__("postgres")
        self._target = URL(target)
        self._mode = mode
        self._size = size
        self.port = free_port()

    @property
    def url(self) -> str:
        """The URL of the database, through the pooler."""
        return str(self._target.with_port(self.port))

    def start(self) -> None:
        """Start. Return once clients can connect."""
        config, users = self._folder / "pgbouncer.ini", self._folder / "users.txt"
        database = self._target.path.removeprefix("/")
        users.write_text('"postgres" ""\n')
        config.write_text(
            _CONFIG.format(
                database=database, server_port=self._target.port, port=self.port,
                users=users, mode=self._mode, size=self._size,
            ).replace(f"dbname={database}", f"dbname={database} user={self._target.user}")
        )  # fmt: skip
        for file in (config, users):
            file.chmod(0o644)
        self._process = OwnedProcess(
            [find_program("pgbouncer", _FOLDERS, package="pgbouncer"), str(config)],
            log_path=self._folder / "pgbouncer.log",
            env={},
            account=self._account,
        )
        self._process.wait_for_line("process up", timeout=_START_TIMEOUT)

    def stop(self) -> None:
        """Shut down; open transactions end first."""
        if self._process:
            self._process.terminate(_STOP_TIMEOUT)
            self.kill()
