"""What the methods of the client do unless they are told otherwise."""

from __future__ import annotations

CHUNK_SIZE = 8 << 20
"""Bytes of a chunk."""
PARALLEL = 4
"""Concurrent requests."""
PAGE_SIZE = 100
"""Jobs, or uploads, that one request lists."""
JSON = {"Content-Type": "application/json"}
"""The header fields of a request whose body is JSON."""
