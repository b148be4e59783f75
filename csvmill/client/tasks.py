"""Running the same work several times side by side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


async def run_parallel(work: Callable[[], Coroutine[None, None, None]], times: int) -> None:
    """Run `work()` `times` times at once; raises what the first one raises that fails.

    When it returns, or raises, none runs any more.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(times):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
