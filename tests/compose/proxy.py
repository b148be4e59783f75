"""HAProxy with the configuration of the stack, before one gateway, on ports of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Self

from tests.compose.conftest import skip
from tests.compose.stack import ROOT
from tests.ports import free_port
from tests.processes import OwnedProcess

if TYPE_CHECKING:
    from pathlib import Path

_CONFIGURATION = ROOT / "deploy/haproxy/haproxy.cfg"


class Proxy:
    """Forwards to the gateway at the port `gateway`, until the context is left."""

    def __init__(
        self,
        folder: Path,
        gateway: int,
        *,
        connections: int = 100,
        requests: int = 10_000,
        tls: bool = False,
        header_timeout: str = "15s",
    ) -> None:
        program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            skip("haproxy is not installed")
        self.port, self.tls_port, own = free_port(), free_port(), free_port()
        self.certificate = folder / "certificate.pem"
        if tls:
            _certify(self.certificate)
        text = _CONFIGURATION.read_text()
        for written, here in (
            ("bind :8000", f"bind 127.0.0.1:{self.port}"),
            ("bind :8443", f"bind 127.0.0.1:{self.tls_port}"),
            ("bind 127.0.0.1:8001", f"bind 127.0.0.1:{own}"),
            ("/run/secrets/certificate", str(self.certificate)),
            ("timeout http-request 15s", f"timeout http-request {header_timeout}"),
            (_servers(text), f"server gateway 127.0.0.1:{gateway} check inter 100ms"),
        ):
            assert text.count(written) == 1, written
            text = text.replace(written, here)
        (folder / "haproxy.cfg").write_text(text)
        self._process = OwnedProcess(
            [program, "-W", "-db", "-f", str(folder / "haproxy.cfg")],
            log_path=folder / "haproxy.log",
            env={
                "PATH": os.environ["PATH"],
                "CSVMILL_SOURCE_CONNECTIONS": str(connections),
                "CSVMILL_SOURCE_REQUESTS": str(requests),
                **({"CSVMILL_TLS": "on", "CSVMILL_HTTPS_PORT": str(self.tls_port)} if tls else {}),
            },
        )

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.destroy()


def _servers(text: str) -> str:
    (line,) = (line.strip() for line in text.splitlines() if "server-template" in line)
    return line


def _certify(path: Path) -> None:
    """Write a certificate for localhost, and its key."""
    key = path.with_suffix(".key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", str(key), "-out", str(path)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    path.write_text(path.read_text() + key.read_text())
