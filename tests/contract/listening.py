"""Listeners of a database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from shared.database.port import Database


class Ear:
    """Hears what transactions tell."""

    def __init__(self) -> None:
        self._texts: asyncio.Queue[str] = asyncio.Queue()

    def __call__(self, text: str) -> None:
        self._texts.put_nowait(text)

    async def next(self) -> str:
        return await asyncio.wait_for(self._texts.get(), 20)

    @property
    def hears_nothing_more(self) -> bool:
        return self._texts.empty()

    async def opened(self, database: Database) -> None:
        """Wait until it hears."""
        for number in range(400):
            try:
                async with database.transaction() as transaction:
                    await transaction.tell(f"opened {number}")
                text = await asyncio.wait_for(self._texts.get(), 0.05)
            except (TimeoutError, DatabaseUnavailable):
                continue
            while text != f"opened {number}":
                text = await self.next()
            return
        raise AssertionError("nothing is heard")
