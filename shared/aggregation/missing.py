"""Words that people write where a value is missing."""

from __future__ import annotations

MISSING = frozenset(
    (b"na", b"n/a", b"#n/a", b"<na>", b"nan", b"null", b"<null>", b"nil", b"none", b"(null)")
)
"""Markers of a missing value, in lower case. They are not names of columns."""
MISSING_AMONG_VALUES = MISSING | frozenset(
    text.encode()
    for text in (
        "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "?", "n.a.", "n.d.", "k.a.", "nat",
        "\\n", "#null!", "missing", "unknown", "never", "0000-00-00",
    )
)  # fmt: skip
"""Words that mean a missing value if all other cells of the column are numbers, or dates."""
