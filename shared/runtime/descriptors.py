"""File descriptors of this process: as many as permitted, and a log line when none are left.

The event loop closes connections that it has no descriptor for, and says nothing.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL = 1.0
"""Seconds between two looks."""
REMINDER = 60.0
"""Seconds between two log lines about the same shortage."""
FEW = 0.9
"""The part of the limit above which descriptors are short."""

log = logging.getLogger(__name__)


def raise_limit() -> None:
    """Let this process open as many files as the system permits it."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError) as error:  # macOS permits fewer than it says
            log.debug("the limit of open files stays %d: %s", soft, error)


async def watch_descriptors() -> None:
    """Log when there are few descriptors left, or none, until cancelled."""
    if sys.platform == "win32":
        return
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    shortage = Shortage(limit)
    while True:
        shortage.look()
        await asyncio.sleep(INTERVAL)


class Shortage:
    """Logs that descriptors are short, not more often than every REMINDER seconds."""

    def __init__(self, limit: int, clock: Callable[[], float] | None = None) -> None:
        self._limit = limit
        self._clock = clock or asyncio.get_running_loop().time
        self._logged_at = -math.inf

    def look(self) -> None:
        """Log if a new descriptor would have a high number, or cannot be had."""
        try:
            # It gets the lowest free number.
            number = os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 0)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            self._log(
                "out of file descriptors: connections are closed unanswered (%s, limit %d); "
                "raise the limit (ulimit -n)",
                error.strerror,
                self._limit,
            )
            return
        os.close(number)
        if number >= FEW * self._limit:
            self._log("file descriptors are short: about %d of %d are used", number, self._limit)

    def _log(self, message: str, *values: object) -> None:
        if self._clock() - self._logged_at >= REMINDER:
            self._logged_at = self._clock()
            log.error(message, *values)
