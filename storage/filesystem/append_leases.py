"""Append leases of a blob: a new lease ends all earlier ones."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.errors import AppendLeaseLost

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterator

    from shared.blobs.blob import BlobKey
    from shared.blobs.socket_part import Piece


class AppendLeases:
    """The leases of one blob and the requests that append under them.

    Each lease has a fencing token, higher than those of the leases before. Leases are not stored:
    if the process dies, so do all connections that append.
    """

    def __init__(self, key: BlobKey) -> None:
        self._key = key
        self._latest = 0
        self._active: set[ActiveAppend] = set()
        self._verifying = False

    async def grant(self, token: int) -> None:
        """End all leases with a lower token. On return, their requests append no more bytes."""
        self._end_all_before(token)
        while earlier := [each.released for each in self._active if each.blocks(token)]:
            await asyncio.wait(earlier)

    @contextmanager
    def verifying(self) -> Iterator[None]:
        """A context in which `grant` does not wait: all bytes are received and being verified."""
        self._verifying = True
        for each in self._active:
            each.release()
        try:
            yield
        finally:
            self._verifying = False

    @contextmanager
    def append(self, token: int) -> Iterator[ActiveAppend]:
        """Register a request that appends. Raises AppendLeaseLost if there is a later lease."""
        if token < self._latest:
            raise self._lease_lost()
        self._end_all_before(token)
        append = ActiveAppend(token, self._lease_lost())
        self._active.add(append)
        if self._verifying:
            append.release()
        try:
            yield append
        finally:
            self._active.discard(append)
            append.release()

    def _end_all_before(self, token: int) -> None:
        self._latest = max(self._latest, token)
        for each in self._active:
            if each.token < token:
                each.end()

    def _lease_lost(self) -> AppendLeaseLost:
        return AppendLeaseLost(f"another request now appends to {self._key}")


class ActiveAppend:
    """A request that appends. It can be ended while it waits for its client."""

    def __init__(self, token: int, lease_lost: AppendLeaseLost) -> None:
        self.token = token
        self.released: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the request appends no more bytes, or only waits for the verification."""
        self._lease_lost = lease_lost
        self._ended = False
        self._waiting: asyncio.Timeout | None = None

    def blocks(self, token: int) -> bool:
        """Whether a new lease with this token must wait for this request."""
        return self.token < token and not self.released.done()

    def release(self) -> None:
        """Let later leases go ahead."""
        if not self.released.done():
            self.released.set_result(None)

    def end(self) -> None:
        """Make `pieces` raise AppendLeaseLost immediately. Idempotent."""
        if self._ended:
            return
        self._ended = True
        if self._waiting is not None:
            self._waiting.reschedule(0)

    async def pieces(self, data: AsyncIterable[Piece]) -> AsyncGenerator[Piece, None]:
        """Yield `data`. Raises AppendLeaseLost when the lease ends, even while `data` waits."""
        source = aiter(data)
        while not self._is_ended():
            try:
                async with asyncio.timeout(None) as self._waiting:
                    piece = await anext(source)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if self._is_ended():
                    break
                raise
            finally:
                self._waiting = None
            yield piece
        raise self._lease_lost

    def _is_ended(self) -> bool:
        return self._ended
