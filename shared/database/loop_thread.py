"""A thread that works for event loops, for half of the CPU that an executor of one thread takes."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class LoopThread:
    """Does what it is given, one after the other. It starts with the first work."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: SimpleQueue[tuple[asyncio.Future[Any], Callable[[], Any]] | None] = (
            SimpleQueue()
        )
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Do `work` after all that was given before, whether its caller waits or not.

        Call it in the event loop whose future it returns.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._work.put((future, work))
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        return future

    def stop(self) -> None:
        """End the thread after what it was given. Does not wait for that."""
        self._work.put(None)

    def _serve(self) -> None:
        while (given := self._work.get()) is not None:
            future, work = given
            result: object = None
            raised: BaseException | None = None
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001  (raised to who waits)
                raised = error
            with suppress(RuntimeError):  # the loop is closed, so nobody waits
                future.get_loop().call_soon_threadsafe(_settle, future, result, raised)
            del given, future, work, result, raised


def _settle(future: asyncio.Future[Any], result: object, raised: BaseException | None) -> None:
    if future.done():  # cancelled
        return
    if raised is None:
        future.set_result(result)
    else:
        future.set_exception(raised)
