"""Runs commands on one server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class Shell:
    """Runs commands in a folder, on one server."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    async def __call__(self, *arguments: str, exit_code: int = 0) -> str:
        """Run a command; return its standard output, and if it fails its standard error too."""
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "csvmill", *arguments, "--server", self.url],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout if exit_code == 0 else done.stdout + done.stderr

    async def json(self, *arguments: str, exit_code: int = 0) -> Any:
        """Run a command with --json; return what it printed."""
        return json.loads(await self(*arguments, "--json", exit_code=exit_code))
