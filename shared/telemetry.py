"""Logging, set up once a process by its `__main__`."""

from __future__ import annotations

import logging
import sys


def configure_logging(level: str) -> None:
    """Log to standard error from `level` (a standard level name, such as `INFO`) upwards."""
    logging.basicConfig(
        stream=sys.stderr,
        level=level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # One line a request belongs to a proxy or to debugging, not to the journal of a service.
    logging.getLogger("aiohttp.access").setLevel(
        logging.INFO if level.upper() == "DEBUG" else logging.WARNING
    )
