"""When a request is repeated, and after which pause."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from csvmill.client.errors import ServerUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType
    from typing import Self

    from stamina import Attempt
    from stamina.instrumentation import RetryHook

RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
"""Statuses after which the same request may succeed."""
JITTER = 0.3
"""Seconds by which pauses vary at random, so that clients do not retry simultaneously."""
RETRY_AFTER_JITTER = 1.0
"""The same for pauses that `Retry-After` sets, possibly for many clients at once."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long a request is repeated after a temporary failure.

    Retrying stops at the first limit that is reached. Pauses double from 0.1 s up to
    `longest_pause`, with jitter. A `Retry-After` of the server replaces the pause, up to
    `longest_wait`.
    """

    attempts: int | None = 8
    """Maximum number of requests, the first included; None for no limit."""
    within: float | None = None
    """Seconds after the first request in which others may start; None for no limit."""
    longest_pause: float = 5.0
    """Seconds."""
    longest_wait: float = 60.0
    """Seconds."""

    def __aiter__(self) -> AsyncIterator[Attempt | FirstAttempt]:
        return _Attempts(self)

    def pause_after(self, error: Exception) -> bool | float:
        """Return False not to retry, True for the usual pause, or the seconds to wait."""
        if not isinstance(error, ServerUnavailable):
            return False
        if error.retry_after is None:
            return True
        jitter = random.uniform(0, RETRY_AFTER_JITTER)  # noqa: S311  (not a secret)
        return min(error.retry_after, self.longest_wait) + jitter


class FirstAttempt:
    """The first request, which needs no library for retries. A context, as those that follow."""

    num = 1
    """The number of the attempt."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.failure: Exception | None = None
        """The error after which the request is repeated."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: object, error: BaseException | None, _traceback: TracebackType | None
    ) -> bool:
        if isinstance(error, ServerUnavailable):
            self.failure = error
            return True
        return False


class _Attempts:
    """The requests: the first without a library, all others by stamina.

    stamina's own iterator counts, pauses, obeys `Retry-After` and ends in time. It cannot be used
    for the first request, because importing it takes long and few processes retry anything. So it
    is imported for the second request, and receives the failure of the first one.
    """

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._first: FirstAttempt | None = None
        self._others: AsyncIterator[Attempt] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Attempt | FirstAttempt:
        if self._first is None:
            self._first = FirstAttempt()
            return self._first
        if self._others is None:
            if self._first.failure is None:
                raise StopAsyncIteration
            left = self._retries.within
            if left is not None:
                left -= time.monotonic() - self._first.started
                if left <= 0:
                    raise self._first.failure
            self._others = _others(self._retries, left)
            with await anext(self._others):
                raise self._first.failure  # so that stamina counts it, and pauses
        return await anext(self._others)


def _others(retries: Retries, timeout: float | None) -> AsyncIterator[Attempt]:
    """Return stamina's attempts. The first of them stands for the one that has failed already."""
    import stamina
    from stamina.instrumentation import set_on_retry_hooks

    if _hooks:
        set_on_retry_hooks(_hooks)
    return aiter(
        stamina.retry_context(
            on=retries.pause_after,
            attempts=retries.attempts,
            timeout=timeout,
            wait_max=retries.longest_pause,
            wait_jitter=JITTER,
        )
    )


_hooks: list[RetryHook] = []


def tell_retries(hook: RetryHook) -> None:
    """Call `hook`, and nothing else, for each retry of this process."""
    _hooks[:] = [hook]


def retry_after(header: str | None) -> float | None:
    """Return the seconds from now that a `Retry-After` states, in either form.

    Returns None if the header is missing or malformed (RFC 9110, 10.2.3).
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
