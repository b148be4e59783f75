"""A private nginx that serves files: with ranges, validators and conditions (RFC 9110)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.ports import free_port
from tests.processes import OwnedProcess
from tests.servers.accounts import find_program
from tests.servers.base import PrivateServer

if TYPE_CHECKING:
    from pathlib import Path

_START_TIMEOUT = 30.0
_STOP_TIMEOUT = 10.0
_CONFIG = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    limit_rate {rate};
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
        location /gzip/ {{ gzip on; gzip_proxied any; gzip_min_length 0; gzip_types text/csv; }}
        types {{ text/csv csv; }}
    }}
}}
"""


class WebFiles(PrivateServer):
    """Serves the files of its folder `files`. It keeps its port."""

    def __init__(self, *, rate: int = 0) -> None:
        """`rate`: bytes a second for each connection; 0 is no limit."""
        super().__init__("nobody")
        self._port = free_port()
        self._rate = rate
        self._starts = 0
        self.files: Path = self._folder / "files"
        self.files.mkdir()

    @property
    def url(self) -> str:
        """The URL of the folder, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[str]:
        """The lines of the access log: the requests that have ended."""
        return (self._folder / "access.log").read_text().splitlines()

    def start(self) -> None:
        """Start with the same files. Return once clients can connect."""
        self._starts += 1
        config = self._folder / "nginx.conf"
        config.write_text(_CONFIG.format(folder=self._folder, port=self._port, rate=self._rate))
        program = find_program("nginx", ("/usr/sbin",), package="nginx-light")
        self._process = OwnedProcess(
            [program, "-c", str(config), "-e", "stderr"],
            log_path=self._folder / f"nginx-{self._starts}.log",
            env={"PATH": os.environ["PATH"]},
        )
        self._process.wait_for_line("using the .* event method", timeout=_START_TIMEOUT)

    def stop(self) -> None:
        """Shut down at once, in good order."""
        if self._process:
            self._process.terminate(_STOP_TIMEOUT)
            self.kill()
