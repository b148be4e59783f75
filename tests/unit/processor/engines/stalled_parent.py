"""A process whose engine waits for more bytes; prints the process id of the kernel."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.unit.processor.engines.test_native import running_kernel


async def main() -> None:
    running, child = await running_kernel(Path(sys.argv[1]))
    print(child, flush=True)
    await running


if __name__ == "__main__":
    asyncio.run(main())
