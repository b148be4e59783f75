"""Runs coroutines for threads without an event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class EventLoopThread:
    """An event loop in a thread of its own. Call `_start` first and `_stop` last."""

    _loop: asyncio.AbstractEventLoop
    _thread: threading.Thread

    def _start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="csvmill-client", daemon=True
        )
        self._thread.start()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of a coroutine. Raises what it raises."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            # After Ctrl-C, for example, the coroutine must not continue in the background.
            future.cancel()
            raise
