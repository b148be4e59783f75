"""The rejects of a job: the records that were left out of its result, as CSV.

They are stored in a second blob, if there are any. `record` is the record as it is in the file,
converted to UTF-8 if it is text, so that it can be corrected and sent again.
"""

from __future__ import annotations

COLUMNS = ("line", "offset", "column", "reason", "record")
"""The header. `line` counts from 1; `offset` is in bytes of the decompressed file; `column` counts
from 1 and is empty for a problem of the whole record. Those of several files have one more column,
`file`: the name of the file."""

NO_REJECTS = (",".join(COLUMNS) + "\n").encode()
"""The rejects of a job of one file without any."""


def no_rejects(inputs: int) -> bytes:
    """Return the rejects of a job of so many files without any."""
    return NO_REJECTS if inputs == 1 else (",".join((*COLUMNS, "file")) + "\n").encode()
