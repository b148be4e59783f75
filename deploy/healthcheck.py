"""The container's health check: succeeds if the service answers `GET /healthz` with 200."""

import contextlib
import http.client
import sys

PORTS = {"gateway and standalone": 8000, "storage": 8001, "processor": 8002}

for port in PORTS.values():
    with contextlib.suppress(ConnectionRefusedError):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
        connection.request("GET", "/healthz")
        sys.exit(connection.getresponse().status != 200)
sys.exit("no service listens")
