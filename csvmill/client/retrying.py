"""When a request is sent again, and after how long."""

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

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
"""Statuses after which the same request may succeed."""
JITTER = 0.3
"""Seconds by which pauses differ at random, so that clients do not come back all at once."""
JITTER_OF_MANY = 1.0
"""The same after a `Retry-After`, which many clients were told at once."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How long a request is repeated that fails for a passing reason.

    It ends with whichever comes first. Pauses double from 0.1 s up to `longest_pause`, with
    jitter; if the server says how long (`Retry-After`), that is waited, up to `longest_wait`.
    """

    attempts: int | None = 8
    """How often it is sent in all; None is without limit."""
    within: float | None = None
    """Seconds from the first try, after which there is no other; None is without limit."""
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
        """Whether to try again: no, after the usual pause, or after so many seconds."""
        if not isinstance(error, ServerUnavailable):
            return False
        if error.retry_after is None:
            return True
        jitter = random.uniform(0, JITTER_OF_MANY)  # noqa: S311  (no secret)
        return min(error.retry_after, self.longest_wait) + jitter


def retry_after(header: str | None) -> float | None:
    """Seconds from now that a `Retry-After` asks for, in either form (RFC 9110, 10.2.3).

    None if there is none, or it is malformed.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
