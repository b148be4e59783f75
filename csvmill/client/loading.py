"""Import the client, which takes longer than a request to the server."""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from csvmill.client.quick_start import collecting_later

if TYPE_CHECKING:
    from collections.abc import Iterator

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Environment variables that name the certificates of the system."""


def load_client(server: str) -> None:
    """Import the client for a server with this URL.

    The HTTP library loads all certificates of the system when it is imported, which takes a fifth
    of the time. They are left out if the URL is not `https`, so this process cannot use another
    server that is.
    """
    with collecting_later():
        if server.lower().startswith("https:"):
            import_module("csvmill.client.async_client")
            return
        with _without_certificates():
            import_module("csvmill.client.async_client")


@contextmanager
def _without_certificates() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in CERTIFICATES}
    os.environ.update(dict.fromkeys(CERTIFICATES, os.devnull))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
