"""A process whose engine waits for a file that never opens; prints the child's process id."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.unit.processor.engines.test_duckdb import running_child

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager


class SilentSource:
    """A named pipe without a writer, so that opening it for reading blocks."""

    size = 1

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._path = path

    @property
    def local_path(self) -> Path:
        return self._path

    def open(self) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        raise AssertionError("a local file is read without copying it")


async def main() -> None:
    scratch = Path(sys.argv[1])
    running, child = await running_child(scratch, source=SilentSource(scratch / "fifo"))
    print(child, flush=True)
    await running


if __name__ == "__main__":
    asyncio.run(main())
