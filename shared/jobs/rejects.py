"""The rejects of a job: the records of its file that were left out, as CSV.

Beside its result stands a second file, if there are any. The record is as it stands in the file, in
UTF-8 where it is text, so that it can be mended and sent again.
"""

from __future__ import annotations

import hashlib

COLUMNS = ("line", "offset", "column", "reason", "record")
"""The header. `line` is counted from 1, `offset` is in bytes of the decompressed file, `column` is
counted from 1 and empty for what is about the whole record."""

NO_REJECTS = (",".join(COLUMNS) + "\n").encode()
"""The rejects of a job that left no record out."""
NO_REJECTS_SHA256 = hashlib.sha256(NO_REJECTS).hexdigest()
