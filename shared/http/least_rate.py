"""The rate at which a client has to send or take bytes, so that it holds nothing for ever."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeastRate:
    """Bytes that a client has to send or take on average."""

    rate: float
    """Bytes per second; 0 is no limit."""
    window: float
    """Seconds over which the average is taken, of the time in which the client alone is waited
    for."""


class RateMeter:
    """Measures a client, window after window."""

    def __init__(self, least: LeastRate) -> None:
        self._least = least
        self.reset()

    def reset(self) -> None:
        """Begin a new window."""
        self._seconds = 0.0
        self._bytes = 0

    def too_slow(self, seconds: float, size: int) -> bool:
        """Add `seconds` of waiting, in which `size` bytes passed.

        Returns whether a window has ended in which the client was slower than it has to be.
        """
        self._seconds += seconds
        self._bytes += size
        if self._seconds < self._least.window:
            return False
        slow = self._bytes < self._least.rate * self._seconds
        self.reset()
        return slow
