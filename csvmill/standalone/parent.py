"""What ties the standalone service to the process that has started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

SHUTDOWN_TIMEOUT = 10.0
"""Seconds that the service has to stop before it is killed. Acknowledged bytes are safe either
way."""


def stop_with_parent() -> None:
    """Send SIGTERM to this process when standard input ends, which means the parent has exited.

    If it has not stopped after SHUTDOWN_TIMEOUT seconds, it exits at once with code 1.
    """

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1 << 16):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(SHUTDOWN_TIMEOUT)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
