"""When a request is repeated, and after which pause."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import stamina

from csvmill.client.errors import ServerUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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

    def __aiter__(self) -> AsyncIterator[stamina.Attempt]:
        return aiter(
            stamina.retry_context(
                on=self.pause_after,
                attempts=self.attempts,
                timeout=self.within,
                wait_max=self.longest_pause,
                wait_jitter=JITTER,
            )
        )

    def pause_after(self, error: Exception) -> bool | float:
        """Return False not to retry, True for the usual pause, or the seconds to wait."""
        if not isinstance(error, ServerUnavailable):
            return False
        if error.retry_after is None:
            return True
        jitter = random.uniform(0, RETRY_AFTER_JITTER)  # noqa: S311  (not a secret)
        return min(error.retry_after, self.longest_wait) + jitter


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
