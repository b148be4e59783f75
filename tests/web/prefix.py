"""HAProxy that shows a service below a path, as one host with several services does."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING, Self

import pytest

from tests.ports import free_port
from tests.processes import OwnedProcess

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PREFIX = "/tools/csvmill"
CONFIGURATION = """
global
    log stdout format raw local0 notice
defaults
    mode http
    log global
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend host
    bind 127.0.0.1:{port}
    http-request redirect code 301 location {prefix}/ if {{ path {prefix} }}
    http-request return status 404 unless {{ path_beg {prefix}/ }}
    http-request replace-path {prefix}(/.*) \\1
    default_backend service
backend service
    server service 127.0.0.1:{target}
"""


class Prefixed:
    """Answers at `PREFIX` what the service at the port `target` answers at its root."""

    def __init__(self, folder: Path, target: int) -> None:
        program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.skip("haproxy is not installed")
        self._port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "haproxy.cfg"
        path.write_text(CONFIGURATION.format(port=self._port, target=target, prefix=PREFIX))
        self._process = OwnedProcess(
            [program, "-W", "-db", "-f", str(path)],
            log_path=folder / "haproxy.log",
            env={"PATH": os.environ["PATH"]},
        )

    @property
    def origin(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The URL of the service's page."""
        return f"{self.origin}{PREFIX}/"

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._process.wait_for_line, "Loading success", timeout=30)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._process.destroy)
