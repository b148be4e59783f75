"""Gives memory that was freed back to the system, which glibc does at the end of its heap only.

After many uploads at the same time, small objects that live on would keep the free space between
them: two hundred slow uploads, which need 20 MB, kept 120 MB.
"""

from __future__ import annotations

import asyncio
import ctypes
import sys

INTERVAL = 10.0
"""Seconds between two returns of memory: each takes milliseconds."""


async def return_freed_memory() -> None:
    """Do so now and then, until this is cancelled. Returns at once where it cannot be done."""
    if not sys.platform.startswith("linux"):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim is not None:
        await asyncio.sleep(INTERVAL)
        await asyncio.to_thread(trim, 0)
