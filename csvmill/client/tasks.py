"""Run several copies of the same coroutine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


async def run_parallel(work: Callable[[], Coroutine[None, None, None]], copies: int) -> None:
    """Run `work()` in `copies` tasks, and wait for all of them.

    If one fails, cancels the others and raises its exception.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(copies):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
