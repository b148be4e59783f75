"""Selects TCP ports that are free now and stay free while a server restarts."""

from __future__ import annotations

import random
import socket
import threading
from pathlib import Path

_LOWEST = 10_000
_handed_out: set[int] = set()
_lock = threading.Lock()


def free_port() -> int:
    """Return an unused loopback TCP port; never the same one twice in this process.

    The port is below the range that the kernel uses for outgoing connections. Otherwise a client
    that retries could be given the port of the server that is restarting.
    """
    with _lock:
        for _ in range(1000):
            port = random.randrange(_LOWEST, _first_ephemeral_port())
            if port not in _handed_out and _is_free(port):
                _handed_out.add(port)
                return port
    raise RuntimeError("no free loopback port found in 1000 tries")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _first_ephemeral_port() -> int:
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        first = 32_768
    # If the range covers almost all ports, there is no usable port below it.
    return first if first > _LOWEST + 1000 else 60_000
