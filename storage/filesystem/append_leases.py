"""Whose turn it is to append to a blob: each new one ends those before."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.errors import AppendLeaseLost

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterator

    from shared.blobs.blob import BlobKey


class AppendLeases:
    """The turns of one blob. A later turn has a higher token.

    They are not kept on disk: with the process, every connection that appends is gone too.
    """

    def __init__(self, key: BlobKey) -> None:
        self._key = key
        self._latest = 0
        self._appending: set[Appending] = set()
        self._all_in = False

    async def begin(self, token: int) -> None:
        """End all turns before this one; on return nobody of them adds any more bytes."""
        self._end_all_before(token)
        while earlier := [each.left for each in self._appending if each.holds_up(token)]:
            await asyncio.wait(earlier)

    @contextmanager
    def all_in(self) -> Iterator[None]:
        """While the blob has all its bytes, and they are verified: no turn waits for that."""
        self._all_in = True
        for each in self._appending:
            each.leave()
        try:
            yield
        finally:
            self._all_in = False

    @contextmanager
    def appending(self, token: int) -> Iterator[Appending]:
        """One request of the turn. Raises AppendLeaseLost if a later turn has begun."""
        if token < self._latest:
            raise self._taken_over()
        self._end_all_before(token)
        mine = Appending(token, self._taken_over())
        self._appending.add(mine)
        if self._all_in:
            mine.leave()
        try:
            yield mine
        finally:
            self._appending.discard(mine)
            mine.leave()

    def _end_all_before(self, token: int) -> None:
        self._latest = max(self._latest, token)
        for each in self._appending:
            if each.token < token:
                each.end()

    def _taken_over(self) -> AppendLeaseLost:
        return AppendLeaseLost(f"another request has taken over sending {self._key}")


class Appending:
    """A request that appends; it may be ended while it waits for its sender."""

    def __init__(self, token: int, ending: AppendLeaseLost) -> None:
        self.token = token
        self.left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the request appends no more, or only waits for the whole to be verified."""
        self._ending = ending
        self._ended = False
        self._waiting: asyncio.Timeout | None = None

    def holds_up(self, token: int) -> bool:
        """Whether a turn with this token has to wait for it."""
        return self.token < token and not self.left.done()

    def leave(self) -> None:
        """No later turn has to wait for it any more."""
        if not self.left.done():
            self.left.set_result(None)

    def end(self) -> None:
        """Have `pieces` raise AppendLeaseLost at once."""
        self._ended = True
        if self._waiting is not None:
            self._waiting.reschedule(0)

    async def pieces(self, data: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
        """`data`, until it ends or the turn does, which raises AppendLeaseLost."""
        source = aiter(data)
        while not self._is_over():
            try:
                async with asyncio.timeout(None) as self._waiting:
                    piece = await anext(source)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if self._is_over():
                    break
                raise
            finally:
                self._waiting = None
            yield piece
        raise self._ending

    def _is_over(self) -> bool:
        return self._ended
