"""Tell which start of which machine this is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def boot_id() -> str | None:
    """Return an id that changes whenever the machine starts; None if the system has none.

    Two processes with the same id share a kernel, so that each sees at once what the other writes.
    """
    try:
        return _BOOT_ID.read_text().strip() or None
    except OSError:
        return None
