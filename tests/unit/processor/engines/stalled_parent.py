"""A process with an engine at work on a source that never ends; prints the child's process id."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.unit.processor.engines.test_duckdb import running_child


async def main() -> None:
    running, child = await running_child(Path(sys.argv[1]))
    print(child, flush=True)
    await running


if __name__ == "__main__":
    asyncio.run(main())
