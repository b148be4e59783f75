"""How much of a result a preview shows.

The first rows of a result that cannot be read from its beginning, which is Parquet, stand beside it
in a blob of their own: as CSV, with the header, as a result of that kind would have them.
"""

from __future__ import annotations

MAX_ROWS = 1000
"""Rows at the most."""
LIMIT = 8 << 20
"""Bytes that are read for it, or kept, at the most."""
