"""Servers that take and send files: nginx, and @tus/server on Node.js. None of them syncs files."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TUS = Path(__file__).parent / "tus"
START_TIMEOUT = 10.0
NGINX = """\
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
worker_processes auto;
user root;
events {{ }}
http {{
    access_log off;
    sendfile on;
    client_max_body_size 0;
    client_body_temp_path {folder}/temporary;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
        location / {{ dav_methods PUT DELETE; }}
    }}
}}
"""


def nginx_version() -> str | None:
    """Return the version of nginx; None if it is not installed."""
    if shutil.which("nginx") is None:
        return None
    shown = subprocess.run(["nginx", "-v"], check=True, capture_output=True, text=True).stderr
    return shown.strip().rpartition("/")[2]


def tus_version() -> str | None:
    """Return the version of @tus/server; None if it or Node.js is not installed.

    It is installed with `npm ci --ignore-scripts` in the folder `tus` beside this module.
    """
    module = TUS / "node_modules" / "@tus" / "server" / "package.json"
    if shutil.which("node") is None or not module.exists():
        return None
    code = "console.log(JSON.parse(require('fs').readFileSync(process.argv[1])).version)"
    command = ["node", "-e", code, str(module)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """Serve the files in `folder/files` while the context is open; yield the URL."""
    (folder / "files").mkdir(parents=True)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port))
    with _running(["nginx", "-c", str(config), "-e", str(folder / "error.log")]):
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def tus(folder: Path) -> Iterator[str]:
    """Take uploads into `folder` while the context is open; yield the URL."""
    folder.mkdir(parents=True)
    with _running(["node", str(TUS / "server.mjs"), str(folder)]) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}/files"


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
