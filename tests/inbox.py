"""A consumer of wake-ups, for the tests of the buses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.ports import Delivery


class Inbox:
    """A handler that passes deliveries to the test."""

    def __init__(self, *, held: bool = False) -> None:
        """With `held`, the handler waits until `may_end` is set."""
        self.may_end = asyncio.Event()
        if not held:
            self.may_end.set()
        self._deliveries: asyncio.Queue[Delivery] = asyncio.Queue()

    async def __call__(self, delivery: Delivery) -> None:
        self._deliveries.put_nowait(delivery)
        await self.may_end.wait()

    async def next(self) -> Delivery:
        """Return the next delivery."""
        return await asyncio.wait_for(self._deliveries.get(), 30)

    @property
    def empty(self) -> bool:
        """Whether there is no delivery that the test has not taken."""
        return self._deliveries.empty()
