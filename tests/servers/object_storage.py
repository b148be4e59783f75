"""A private server of object storage: `rclone serve s3`, on folders."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from tests.ports import free_port
from tests.processes import OwnedProcess
from tests.servers.base import PrivateServer

_START_TIMEOUT = 30.0
_STOP_TIMEOUT = 10.0
_PROGRAM = Path(sys.executable).parent / "rclone"


class ObjectStorage(PrivateServer):
    """Serves each folder beneath its root as a bucket, to clients with its key.

    It answers ranges without 206, and does not know conditions.
    """

    def __init__(self) -> None:
        super().__init__("nobody")
        self.access_key = secrets.token_hex(8)
        self.secret_key = secrets.token_hex(16)
        self._port = free_port()
        self._root = self._folder / "buckets"
        self._root.mkdir()
        self._starts = 0

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self._port}"

    def settings_of(self, blobs: str) -> dict[str, object]:
        """Return the settings of a storage service that keeps its blobs at the URL `blobs`."""
        return {
            "blobs": blobs,
            "s3_endpoint": self.url,
            "s3_access_key_id": self.access_key,
            "s3_secret_access_key": self.secret_key,
        }

    def bucket(self, name: str) -> Path:
        """Return the folder of a bucket, which is created."""
        folder = self._root / name
        folder.mkdir(exist_ok=True)
        return folder

    def start(self) -> None:
        """Start with the same buckets. Return once clients can connect."""
        self._starts += 1
        self._process = OwnedProcess(
            [
                str(_PROGRAM),
                *("serve", "s3", "--config", "/dev/null", "--vfs-cache-mode", "off"),
                *("--addr", f"127.0.0.1:{self._port}"),
                *("--auth-key", f"{self.access_key},{self.secret_key}"),
                str(self._root),
            ],
            log_path=self._folder / f"rclone-{self._starts}.log",
            env={"PATH": os.environ["PATH"], "HOME": str(self._folder)},
        )
        self._process.wait_for_line("Starting s3 server", timeout=_START_TIMEOUT)

    def stop(self) -> None:
        """Shut down gracefully."""
        if self._process:
            self._process.terminate(_STOP_TIMEOUT)
            self.kill()
