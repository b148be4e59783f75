"""The limits of a preview.

A result as Parquet or as a workbook cannot be read from its start. So its first rows are stored in
a blob of their own, as CSV with the header.
"""

from __future__ import annotations

MAX_ROWS = 1000
"""The most rows of a preview."""
LIMIT = 1 << 20
"""The most bytes that are read for a preview, or stored as one. A gateway holds a preview until the
client has taken it, and control characters are six in JSON."""
