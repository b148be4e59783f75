"""The container's health check: succeeds if the service answers `GET /healthz` with 200."""

import contextlib
import http.client
import os
import ssl
import sys

PORTS = {"gateway and standalone": 8000, "storage": 8001, "processor": 8002}

for port in PORTS.values():
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    if port == PORTS["storage"] and os.environ.get("CSVMILL_INTERNAL_CA"):
        # The certificate is for the names by which others call it.
        unverified = ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=4, context=unverified)
    with contextlib.suppress(ConnectionRefusedError):
        connection.request("GET", "/healthz")
        sys.exit(connection.getresponse().status != 200)
sys.exit("no service listens")
