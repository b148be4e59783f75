"""nginx and HAProxy before a service, with the configurations of `deploy/proxies`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from tests.ports import free_port
from tests.processes import OwnedProcess

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parents[1] / "deploy/proxies"
PREFIX = "/csv"
PATH = f"{os.environ['PATH']}:/usr/sbin"
PROXIES = ("nginx", "haproxy")
"""Those that tests start."""

PLAIN_NGINX = """
server {
    listen 8080;
    location / {
        proxy_pass http://127.0.0.1:8000;
    }
}
"""
"""nginx as its beginner's guide has it: with its defaults."""
_AROUND_NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


class FrontProxy:
    """One of `PROXIES` before the service at the port `target`, until the context is left.

    The proxy shows it below `PREFIX`; with `plain`, nginx with its defaults shows it at the root.
    """

    def __init__(self, name: str, folder: Path, target: int, *, plain: bool = False) -> None:
        program = shutil.which(name, path=PATH)
        if program is None:
            pytest.skip(f"{name} is not installed")
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.port = name, free_port()
        self.prefix = "" if plain else PREFIX
        start = _START[name]
        text = PLAIN_NGINX if plain else (FOLDER / _FILES[name]).read_text()
        command = start(program, folder, _here(text, self.port, target))
        self._process = OwnedProcess(
            command, log_path=folder / f"{name}.log", env={"PATH": os.environ["PATH"]}
        )
        try:
            self._process.wait_for_line(_READY[name], timeout=30)
        except BaseException:
            self._process.destroy()
            raise

    @property
    def origin(self) -> str:
        """Its scheme and host."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The URL of the service for clients, without a slash at its end."""
        return self.origin + self.prefix

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.destroy()


def _here(text: str, port: int, target: int) -> str:
    """Return a configuration with the ports of this test."""
    for written, here in (("8080", str(port)), ("127.0.0.1:8000", f"127.0.0.1:{target}")):
        assert text.count(written) == 1, written
        text = text.replace(written, here)
    return text


def _nginx(program: str, folder: Path, text: str) -> list[str]:
    path = folder / "nginx.conf"
    text = text.replace("listen ", "listen 127.0.0.1:")
    user = "user root;" if os.geteuid() == 0 else ""
    path.write_text(_AROUND_NGINX.format(folder=folder, server=text, user=user))
    return [program, "-p", str(folder), "-e", "stderr", "-c", str(path)]


def _haproxy(program: str, folder: Path, text: str) -> list[str]:
    path = folder / "haproxy.cfg"
    path.write_text(text.replace("bind :", "bind 127.0.0.1:"))
    return [program, "-W", "-db", "-f", str(path)]


_FILES = {"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}
_READY = {"nginx": "start worker process ", "haproxy": "Loading success"}
_START: dict[str, Callable[[str, Path, str], list[str]]] = {"nginx": _nginx, "haproxy": _haproxy}
