"""Tell whether the machine was restarted since a run began."""

from __future__ import annotations

from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str | None:
    """Return an id that changes when the machine starts; None if the system has none."""
    try:
        return _BOOT_ID.read_text().strip() or None
    except OSError:
        return None
